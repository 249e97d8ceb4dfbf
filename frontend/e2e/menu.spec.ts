import type { Page } from "@playwright/test";
import { expectAccessible, phone, still, wide } from "./looking";
import { articles, badge, composer, expect, fill, list, said, say, test } from "./room";

/* The menu of a message: by mouse, touch and keyboard. */

const menu = (page: Page) => page.getByRole("menu");
const item = (page: Page, name: string | RegExp) => menu(page).getByRole("menuitem", { name });
const more = (page: Page, text: string) => said(page, text).getByRole("button", { name: "More" });
const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

const mayCopy = { permissions: ["clipboard-read", "clipboard-write"] };

/** A finger that stays on a message. */
async function press(page: Page, text: string): Promise<void> {
  const box = await said(page, text).locator("[data-text]").boundingBox();
  const touch = await page.context().newCDPSession(page);
  const point = { x: (box?.x ?? 0) + 8, y: (box?.y ?? 0) + 8 };
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [point] });
  await expect(menu(page)).toBeVisible();
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
}

test("by mouse: copy the text, quote it, and copy a link that leads to it", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("first *line*\nsecond line", "eve");
  const ada = await room.join("ada", { ...wide, ...mayCopy });
  await said(ada, "second line").hover();
  await more(ada, "second line").click();
  await item(ada, "Copy text").click();
  await expect(ada.getByText("Text copied")).toBeVisible();
  await expect.poll(() => copied(ada)).toBe("first *line*\nsecond line");
  await composer(ada).fill("before after");
  await composer(ada).evaluate((input: HTMLTextAreaElement) => input.setSelectionRange(6, 6));
  await said(ada, "second line").locator("[data-text]").click({ button: "right" });
  await item(ada, "Quote").click();
  await expect(composer(ada)).toBeFocused();
  await ada.keyboard.type("answer");
  await expect(composer(ada)).toHaveValue("before\n> first *line*\n> second line\nanswer after");
  await said(ada, "second line").locator("[data-text]").click({ button: "right" });
  await item(ada, "Copy link").click();
  await expect(ada.getByText("Link copied")).toBeVisible();
  const link = await copied(ada);
  expect(link).toMatch(new RegExp(`^${room.siteUrl}/\\?at=\\d+-\\d+$`));
  await ada.goto(link);
  await expect(list(ada).locator("li[data-marked]")).toContainText("second line");
});

test("a right click on a link or on selected text has the menu of the browser", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("see https://example.com/ please", "eve");
  const ada = await room.join("ada", wide);
  await list(ada).locator("[data-text] a").click({ button: "right" });
  await expect(menu(ada)).toHaveCount(0);
  await said(ada, "please").evaluate((row) => document.getSelection()?.selectAllChildren(row));
  await said(ada, "please")
    .locator("[data-text]")
    .click({ button: "right", position: { x: 3, y: 3 } });
  await expect(menu(ada)).toHaveCount(0);
  await ada.evaluate(() => document.getSelection()?.removeAllRanges());
  await said(ada, "please")
    .locator("[data-text]")
    .click({ button: "right", position: { x: 3, y: 3 } });
  await expect(menu(ada)).toBeVisible();
  await ada.mouse.click(5, 5);
  await expect(menu(ada)).toHaveCount(0);
});

test("by keyboard: rows are reached, keys open the menu, and the focus returns", async ({ room }) => {
  const robot = await room.robot();
  for (const text of ["one .", "two .", "three https://example.com/"]) await robot.say(text, "eve");
  const ada = await room.join("ada", wide);
  await expect(said(ada, "three")).toBeVisible();
  await ada.keyboard.press("Shift+Tab");
  await expect(ada.getByRole("link", { name: "https://example.com/" })).toBeFocused();
  await ada.keyboard.press("ArrowRight");
  await expect(more(ada, "three")).toBeFocused();
  await ada.keyboard.press("ArrowUp");
  await expect(more(ada, "two .")).toBeFocused();
  for (const key of ["Enter", "Shift+F10", "ContextMenu"]) {
    await ada.keyboard.press(key);
    await expect(item(ada, "Copy text")).toBeFocused();
    await ada.keyboard.press("ArrowUp");
    await expect(item(ada, "Hide eve")).toBeFocused();
    await ada.keyboard.press("ArrowDown");
    await expect(item(ada, "Copy text")).toBeFocused();
    await ada.keyboard.press("q");
    await expect(item(ada, "Quote")).toBeFocused();
    await ada.keyboard.press("End");
    await expect(item(ada, "Hide eve")).toBeFocused();
    await ada.keyboard.press(key === "Enter" ? "Tab" : "Escape");
    await expect(menu(ada)).toHaveCount(0);
    await expect(more(ada, "two .")).toBeFocused();
  }
  await ada.keyboard.press("Enter");
  await ada.keyboard.press("q");
  await ada.keyboard.press("Enter");
  await expect(composer(ada)).toBeFocused();
  await expect(composer(ada)).toHaveValue("> two .\n");
});

test("by touch: a long press opens it, and so does the button", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("hello there", "eve");
  const ada = await room.join("ada", { ...phone, ...mayCopy });
  await press(ada, "hello there");
  await item(ada, "Copy text").tap();
  await expect.poll(() => copied(ada)).toBe("hello there");
  await more(ada, "hello there").tap();
  await item(ada, "Quote").tap();
  await expect(composer(ada)).toHaveValue("> hello there\n");
  await more(ada, "hello there").tap();
  await expect(menu(ada)).toBeVisible();
  await ada.touchscreen.tap(100, 60);
  await expect(menu(ada)).toHaveCount(0);
});

test("a person who is hidden stays hidden over reloads, is no news, and is shown again", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("from eve one", "eve");
  const ada = await room.join("ada", wide);
  await said(ada, "from eve one").hover();
  await more(ada, "from eve one").click();
  await item(ada, "Hide eve").click();
  await expect(said(ada, "from eve one")).toHaveCount(0);
  await expect(ada.getByText("Hidden message")).toHaveCount(1);
  await robot.say("from eve two", "eve under another name");
  await expect(ada.getByText("Hidden message")).toHaveCount(2);
  await ada.reload();
  await expect(badge(ada)).toHaveText("Live");
  await expect(ada.getByText("Hidden message")).toHaveCount(2);
  await expectAccessible(ada);
  // One of them.
  await articles(ada).filter({ hasText: "Hidden message" }).first().getByRole("button", { name: "Show" }).click();
  await expect(said(ada, "from eve one")).toBeVisible();
  await expect(ada.getByText("Hidden message")).toHaveCount(1);
  // All of them, by the settings.
  await ada.getByRole("button", { name: /Settings/ }).click();
  await expectAccessible(ada);
  await ada.getByRole("button", { name: "Show eve again" }).click();
  await ada.keyboard.press("Escape");
  await expect(said(ada, "from eve two")).toBeVisible();
  await expect(ada.getByRole("log")).not.toContainText("from eve two");
});

test("own messages have what makes sense, and nobody hides themselves", async ({ room }) => {
  const ada = await room.join("ada", wide);
  await say(ada, "mine");
  await expect(said(ada, "mine").getByLabel("Sent")).toBeVisible();
  await said(ada, "mine").hover();
  await more(ada, "mine").click();
  await expect(menu(ada).getByRole("menuitem")).toHaveText(["Copy text", "Quote", "Copy link"]);
  await ada.keyboard.press("Escape");
  await room.server.end("SIGKILL");
  await say(ada, "waiting");
  await said(ada, "waiting").hover();
  await more(ada, "waiting").click();
  await expect(menu(ada).getByRole("menuitem")).toHaveText(["Copy text"]);
});

test("it stays open and in place while messages arrive, and the focus is not lost", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("the first .", "eve");
  const ada = await room.join("ada", wide);
  await said(ada, "the first .").hover();
  await more(ada, "the first .").click();
  await still(ada);
  const before = await menu(ada).boundingBox();
  await fill(robot, 120);
  await expect(said(ada, "message 119 ")).toBeAttached();
  expect(await menu(ada).boundingBox()).toEqual(before);
  await ada.keyboard.press("Escape");
  await expect(menu(ada)).toHaveCount(0);
  await expect.poll(() => ada.evaluate(() => document.activeElement !== document.body)).toBe(true);
});

for (const [name, device] of [
  ["wide", wide],
  ["phone", phone],
] as const) {
  test(`the menu is accessible in light, dark and forced colours: ${name}`, async ({ room }) => {
    const robot = await room.robot();
    await robot.say("hello there", "eve");
    const ada = await room.join("ada", device);
    await more(ada, "hello there").focus();
    await ada.keyboard.press("Enter");
    await expect(item(ada, "Copy text")).toBeFocused();
    for (const colours of [{ colorScheme: "light" }, { colorScheme: "dark" }, { forcedColors: "active" }] as const) {
      await ada.emulateMedia(colours);
      await expectAccessible(ada);
    }
  });
}
