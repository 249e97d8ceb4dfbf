import type { Page } from "@playwright/test";
import { articles, composer, expect, fill, fromEnd, goUp, list, said, settled, test } from "./room";

const maxMounted = 60;

test("a link keeps the focus when new messages push it out of view", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("see https://example.com/ please");
  const ada = await room.join("ada", { viewport: { width: 1100, height: 600 } });
  const link = list(ada).locator("[data-text] a");
  await link.focus();
  for (let i = 0; i < 80; i++) await robot.say(`message ${i} .`);
  await expect(said(ada, "message 79 .")).toBeInViewport();
  await expect(link).toBeFocused();
  await expect.poll(() => articles(ada).count()).toBeLessThanOrEqual(maxMounted);
});

test.describe("by keyboard", () => {
  test.use({ serverEnv: { MESSAGE_RATE: "0" } });

  test("Home and End reach the ends of a long list, and Page keys skip nothing", async ({ room }) => {
    const ada = await room.join("ada", { viewport: { width: 1100, height: 800 } });
    await fill(await room.robot(), 1000);
    await expect(said(ada, "message 999 ")).toBeInViewport();
    await list(ada).focus();
    await ada.keyboard.press("Home");
    await expect(said(ada, "message 0 ")).toBeInViewport();
    await expect.poll(() => list(ada).evaluate(({ scrollTop }) => scrollTop)).toBe(0);
    await ada.keyboard.press("End");
    await expect(said(ada, "message 999 ")).toBeInViewport({ ratio: 1 });
    await expect.poll(() => fromEnd(ada)).toBeLessThanOrEqual(1);
    // Two pages overlap.
    for (const key of ["PageUp", "PageUp", "Shift+Space", "PageUp", "PageDown", "Space"]) {
      const back = key === "PageDown" || key === "Space";
      const edge = await settled(() => seenRow(ada, back ? "last" : "first"));
      await ada.keyboard.press(key);
      await expect(said(ada, `message ${edge} `)).toBeInViewport();
      await expect.poll(() => seenRow(ada, back ? "last" : "first")).not.toBe(edge);
    }
    // The keys work from the input too.
    await composer(ada).focus();
    await ada.keyboard.press("PageUp");
    await expect(ada.getByRole("button", { name: "Newest" })).toBeVisible();
    const before = await settled(() => list(ada).evaluate(({ scrollTop }) => scrollTop));
    await ada.keyboard.press("PageUp");
    await expect.poll(() => list(ada).evaluate(({ scrollTop }) => scrollTop)).toBeLessThan(before - 300);
    await expect(composer(ada)).toBeFocused();
  });
});

test.describe("far away", () => {
  test.use({ serverEnv: { MESSAGE_RATE: "0" } });

  test("a link keeps the focus, and a selection its beginning", async ({ room }) => {
    const robot = await room.robot();
    await robot.say("see https://example.com/ please");
    const ada = await room.join("ada", { viewport: { width: 1100, height: 600 } });
    const link = list(ada).locator("[data-text] a");
    await link.focus();
    await link.evaluate((element) => document.getSelection()?.selectAllChildren(element));
    await fill(robot, 1000);
    await expect(said(ada, "message 999 ")).toBeInViewport();
    await expect(link).toBeFocused();
    await expect.poll(() => ada.evaluate(() => String(document.getSelection()))).toBe("https://example.com/");
    await expect.poll(() => articles(ada).count()).toBeLessThanOrEqual(maxMounted);
    // It is in its place.
    await goUp(ada);
    await expect(link).toBeInViewport();
    await expect(link).toBeFocused();
  });
});

/** The number of the first or last message that is at least partly visible. */
function seenRow(page: Page, which: "first" | "last"): Promise<string | undefined> {
  return list(page).evaluate((scroller, first) => {
    const { top, bottom } = scroller.getBoundingClientRect();
    const seen = [...scroller.querySelectorAll("article")].filter((article) => {
      const box = article.getBoundingClientRect();
      return box.bottom > top && box.top < bottom;
    });
    return /message (\d+) /.exec(seen.at(first ? 0 : -1)?.textContent ?? "")?.[1];
  }, which === "first");
}

test("keys typed outside the input go into it, and shortcuts do not", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 40; i++) await robot.say(`message ${i} https://example.com/${i}`);
  const ada = await room.join("ada", { viewport: { width: 1100, height: 600 } });
  await expect(said(ada, "message 39 ")).toBeInViewport();
  await list(ada).focus();
  await ada.keyboard.press("Control+b");
  await expect(list(ada)).toBeFocused();
  await ada.keyboard.type("hello");
  await expect(composer(ada)).toBeFocused();
  await expect(composer(ada)).toHaveValue("hello");
  await ada.getByRole("link", { name: "https://example.com/39" }).focus();
  await ada.keyboard.type(" you");
  await expect(composer(ada)).toHaveValue("helloyou");
});

test("Tab skips the links of the list, and the arrow keys go from link to link", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 40; i++) await robot.say(`message ${i} https://example.com/${i} https://example.org/${i}`);
  const ada = await room.join("ada", { viewport: { width: 1100, height: 600 } });
  await expect(said(ada, "message 39 ")).toBeInViewport();
  await expect(composer(ada)).toBeFocused();
  const link = (host: string, n: number) =>
    ada.getByRole("link", { name: `https://example.${host}/${n}`, exact: true });
  await ada.keyboard.press("Shift+Tab");
  await expect(link("org", 39)).toBeFocused();
  await ada.keyboard.press("Shift+Tab");
  await expect(link("com", 39)).toBeFocused();
  await ada.keyboard.press("Shift+Tab");
  await expect(list(ada)).toBeFocused();
  await ada.keyboard.press("Shift+Tab");
  await expect(ada.getByRole("button", { name: /Settings/ })).toBeFocused();
  await ada.keyboard.press("Tab");
  await ada.keyboard.press("Tab");
  await expect(link("com", 39)).toBeFocused();
  for (const [host, n] of [
    ["org", 38],
    ["com", 38],
    ["org", 37],
  ] as const) {
    await ada.keyboard.press("ArrowUp");
    await expect(link(host, n)).toBeFocused();
  }
  await ada.keyboard.press("ArrowDown");
  await expect(link("com", 38)).toBeFocused();
  await ada.keyboard.press("Tab");
  await expect(link("org", 38)).toBeFocused();
  await ada.keyboard.press("Tab");
  await expect(composer(ada)).toBeFocused();
});
