import type { Page } from "@playwright/test";
import { expectAccessible, hasEdge, phone } from "./looking";
import { articles, composer, expect, recordNotifications, said, say, setSeen, test } from "./room";
import { isIn, link, openRoom, sayUnread } from "./roomlist";

const broad = { viewport: { width: 1280, height: 720 } };
const options = (page: Page) => page.getByRole("option");
const mention = (page: Page, text: string) =>
  articles(page)
    .locator("bdi")
    .filter({ hasText: new RegExp(`^${text}$`) });
const isOwn = (page: Page, text: string) => mention(page, text).getAttribute("data-me");

test("a name that is known is marked, one's own more than others, and so is the bubble", async ({ room }) => {
  const bob = await room.robot();
  const page = await room.join("ada", broad);
  await bob.say("hello @ada and @Eve and @bob lee", "Bob Lee");
  await expect(mention(page, "@ada")).toBeVisible();
  expect(await isOwn(page, "@ada")).toBe("true");
  expect(await isOwn(page, "@bob lee")).toBeNull();
  await expect(mention(page, "@Eve")).toHaveCount(0);
  const eve = await room.join("Eve", broad);
  await expect(mention(page, "@Eve")).toBeVisible(); // she came, and is known now
  expect(await isOwn(eve, "@Eve")).toBe("true");
  await bob.say("nothing", "Bob Lee");
  const colour = (text: string) =>
    said(page, text)
      .locator("div")
      .first()
      .evaluate((bubble) => getComputedStyle(bubble).backgroundColor);
  expect(await colour("hello")).not.toBe(await colour("nothing"));
});

test("what imitates a name, and what is code, is not marked", async ({ room }) => {
  const bob = await room.robot();
  const page = await room.join("ada", broad);
  for (const text of ["@аda", "@a\u200bda", "@ada\u200b", "`@ada`", "mail@ada", "https://a.example/@ada"])
    await bob.say(text);
  await bob.say("the last one");
  await expect(said(page, "the last one")).toBeVisible();
  await expect(mention(page, "@.*")).toHaveCount(0);
});

test("by keyboard: letters open the list, arrows and Enter complete, the next Enter sends", async ({ room }) => {
  const robots = [await room.robot(), await room.robot()];
  await robots[0]?.say("hello", "Grace Hopper");
  await robots[1]?.say("hello", "Grete");
  const page = await room.join("ada", broad);
  await composer(page).pressSequentially("ask @gr");
  await expect(options(page)).toHaveText(["Grace Hopper", "Grete"]);
  await expect(composer(page)).toHaveAttribute(
    "aria-activedescendant",
    (await options(page).first().getAttribute("id")) ?? "",
  );
  await composer(page).press("ArrowDown");
  await composer(page).press("ArrowDown");
  await composer(page).press("Enter");
  await expect(composer(page)).toHaveValue("ask @Grace Hopper ");
  await expect(options(page)).toHaveCount(0);
  await expect(articles(page)).toHaveCount(2);
  await composer(page).press("Enter");
  await expect(said(page, "ask @Grace Hopper").getByLabel("Sent")).toBeVisible();
  await composer(page).pressSequentially("@grete");
  await expect(options(page)).toHaveText(["Grete"]);
  await composer(page).press("Escape");
  await expect(options(page)).toHaveCount(0);
  await composer(page).press("Enter");
  await expect(said(page, "@grete").getByLabel("Sent")).toBeVisible();
});

test("the browser undoes a completion", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("hello", "Grace Hopper");
  const page = await room.join("ada", broad);
  await composer(page).pressSequentially("@gr");
  await composer(page).press("Tab");
  await expect(composer(page)).toHaveValue("@Grace Hopper ");
  await expect(composer(page)).toBeFocused();
  await composer(page).press("Control+z");
  await expect(composer(page)).toHaveValue("@gr");
});

test("by mouse and by touch: a press completes, and the input keeps the focus", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("hello", "Grace Hopper");
  for (const options_ of [broad, phone]) {
    const page = await room.join("ada", options_);
    await composer(page).click();
    await composer(page).pressSequentially("@g");
    const option = options(page).filter({ hasText: "Grace Hopper" });
    await (options_ === phone ? option.tap() : option.click());
    await expect(composer(page)).toHaveValue("@Grace Hopper ");
    await expect(composer(page)).toBeFocused();
  }
});

test("who is here but has not spoken is in the list, and a name from right to left keeps its place", async ({
  room,
}) => {
  await room.join("שרה", broad);
  const page = await room.join("ada", phone);
  await composer(page).click();
  await composer(page).pressSequentially("@שר");
  await expect(options(page)).toHaveText(["שרה"]);
  await composer(page).press("Enter");
  await composer(page).pressSequentially("hello");
  await page.getByRole("button", { name: "Send" }).tap();
  await expect(mention(page, "@שרה")).toBeVisible();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing, ${colorScheme}`, async ({ room }) => {
    const bob = await room.robot();
    const page = await room.join("ada", { ...broad, colorScheme });
    await say(page, "hello @ada");
    await bob.say("hello @ada, from @Bob", "Bob");
    await bob.say("and @Bob again", "Bob"); // the list covers it
    await expect(mention(page, "@Bob")).toHaveCount(2);
    await composer(page).pressSequentially("@b");
    await expect(options(page)).toHaveText(["Bob"]);
    await expectAccessible(page);
    // Axe reads the colours of the style sheet, and the system's background: own text is light.
    await page.emulateMedia({ forcedColors: "active", colorScheme: "dark" });
    await expect.poll(() => hasEdge(mention(page, "@Bob").first())).toBe(true);
    await expectAccessible(page);
  });
}

test("only mentions are signalled if that is the wish; the title, the rooms and the pill say where they are", async ({
  room,
}) => {
  const page = await room.join("ada", broad);
  await recordNotifications(page);
  await page.reload();
  await openRoom(page, "cats");
  await isIn(page, "cats");
  await link(page, "Lobby").click();
  await isIn(page, "Lobby");
  await page.getByRole("button", { name: /Settings/ }).click();
  await page.getByLabel("Show a notification").click();
  await expect(page.getByLabel("Show a notification")).toBeChecked();
  await page.getByLabel("Tell me about").selectOption("Mentions of me");
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  const robot = await room.robot("cats");
  await sayUnread(page, robot, "cats", "meow");
  await expect(page).toHaveTitle("Chat");
  await setSeen(page, false);
  await robot.say("**meow**, @ada", "Tom");
  await expect(link(page, "cats")).toContainText("you are mentioned");
  await expect(page).toHaveTitle("(1) Chat");
  await expectAccessible(page);
  const shown = () => page.evaluate(() => (window as unknown as { shown: string[] }).shown);
  await expect.poll(shown).toEqual(["Chat: New messages are shown like this.", "Tom in cats: meow, @ada"]);
});
