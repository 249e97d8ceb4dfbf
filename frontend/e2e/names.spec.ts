import { expectAccessible, hasEdge, wide } from "./looking";
import { expect, said, test } from "./room";

test("names have the colour of their author and an initial, readable in each scheme", async ({ room }) => {
  const page = await room.join("ada", wide);
  const [first, second] = [await room.robot(), await room.robot()];
  await first.say("one", "grace");
  await second.say("two", "bob");
  await first.say("three", "hopper");
  const author = (text: string) => said(page, text).locator("p", { has: page.locator("bdi") });
  const colour = (text: string) => author(text).evaluate((node) => getComputedStyle(node).color);
  const initial = (text: string) => author(text).locator("[data-initial]");
  await expect(author("three")).toBeVisible();
  expect(await colour("three")).toBe(await colour("one"));
  await expect(initial("two")).toHaveAttribute("data-initial", "B");
  // The name is read and copied without its initial.
  await expect(author("two")).toHaveText("bob");
  const light = await colour("one");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await expect.poll(async () => (await colour("one")) === light).toBe(colorScheme === "light");
    await expectAccessible(page);
  }
  expect(await hasEdge(initial("one"))).toBe(false);
  await page.emulateMedia({ forcedColors: "active" });
  await expect.poll(() => hasEdge(initial("one"))).toBe(true);
  expect(await colour("one")).toBe(await colour("two"));
});
