import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expectAccessible, phone, wide } from "./looking";
import { badge, expect, fill, list, said, test } from "./room";

/* Ways through the past of a room: a day, the place where one left, and a search. */

const folder = mkdtempSync(join(tmpdir(), "moving-"));
test.use({ serverEnv: { MESSAGE_RATE: "0", DATA_DIR: folder } });
test.beforeEach(() => rmSync(folder, { recursive: true, force: true }));
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

const marked = (page: Page) => list(page).locator("li[data-marked]");
const dialog = (page: Page) => page.getByRole("dialog", { name: "Go to a day" });
const day = (page: Page) => dialog(page).getByLabel("Day");
const search = (page: Page) => page.getByRole("searchbox", { name: "Search this room" });
const colours = [{ colorScheme: "light" }, { colorScheme: "dark" }, { forcedColors: "active" }] as const;

test("a day is reached by its line and by a shortcut; earlier and later ones say so", async ({ room }) => {
  const robot = await room.robot();
  await fill(robot, 300);
  const ada = await room.join("ada", wide);
  await expect(said(ada, "message 299 ")).toBeInViewport();
  await ada.keyboard.press("Control+j");
  await expect(day(ada)).toBeFocused();
  const today = await day(ada).inputValue();
  await ada.keyboard.press("Enter");
  await expect(dialog(ada)).toHaveCount(0);
  await expect(marked(ada)).toContainText("message 0 ");
  await expect(said(ada, "message 0 ")).toBeInViewport();
  // By its line.
  await list(ada).getByRole("button", { name: "Today" }).click();
  await expect(day(ada)).toHaveValue(today);
  await day(ada).fill("2001-02-03");
  await dialog(ada).getByRole("button", { name: "Go" }).click();
  await expect(ada.getByText("This is the oldest message.")).toBeVisible();
  await expect(said(ada, "message 0 ")).toBeInViewport();
  await ada.getByRole("button", { name: "Close this note" }).click();
  await expect(ada.getByText("This is the oldest message.")).toHaveCount(0);
  await expect(said(ada, "message 0 ")).toBeInViewport();
  await ada.keyboard.press("Control+j");
  await day(ada).fill("2099-01-01");
  await ada.keyboard.press("Enter");
  await expect(ada.getByText("Nothing was said that late.")).toBeVisible();
  await expect(said(ada, "message 299 ")).toBeInViewport();
  await ada.keyboard.press("Control+j");
  await day(ada).fill("");
  await ada.keyboard.press("Enter");
  await expect(ada.getByRole("alert").filter({ hasText: "Choose a day first." })).toBeVisible();
  for (const colour of colours) {
    await ada.emulateMedia(colour);
    await expectAccessible(ada);
  }
  await ada.keyboard.press("Escape");
  await expect(dialog(ada)).toHaveCount(0);
});

test("a link to a message of another room says so, and the room stays usable", async ({ room }) => {
  const robot = await room.robot("cats");
  await robot.say("in the other room");
  const eve = await room.join("eve", wide, room.server, "cats");
  const path = await said(eve, "in the other room").getByRole("link").getAttribute("href");
  const ada = await room.join("ada", wide);
  await ada.goto(`${room.siteUrl}/${path?.replace("/?room=cats&", "?")}`);
  await expect(ada.getByText("There is no such message in this room.")).toBeVisible();
  const here = await room.robot();
  await here.say("still here");
  await expect(said(ada, "still here")).toBeInViewport();
});

test("what is new since one left is far up: a pill leads there first, then to the end", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("the last that ada saw");
  const ada = await room.join("ada", wide);
  await expect(said(ada, "the last that ada saw")).toBeVisible();
  await ada.goto("about:blank");
  await fill(robot, 200);
  await ada.goto(room.siteUrl);
  await expect(badge(ada)).toHaveText("Live");
  await expect(said(ada, "message 199 ")).toBeInViewport();
  await ada.getByRole("button", { name: "New since you left" }).click();
  await expect(marked(ada)).toContainText("message 0 ");
  await expect(list(ada).getByText("New messages since you left")).toBeInViewport();
  await expect(said(ada, "the last that ada saw")).toBeInViewport();
  await expect(ada.getByRole("button", { name: "New since you left" })).toHaveCount(0);
  await expectAccessible(ada);
  await ada.getByRole("button", { name: /newest/i }).click();
  await expect(said(ada, "message 199 ")).toBeInViewport();
  await expect(ada.getByRole("button", { name: "New since you left" })).toHaveCount(0);
});

test("search finds what is loaded, across formatting, steps through it, and loads more", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("an old needle");
  await fill(robot, 400);
  await robot.say("a *nee*dle is no needle");
  await robot.say("a **need** le");
  await robot.say("NEEDLE `in` code");
  const ada = await room.join("ada", wide);
  await expect(said(ada, "NEEDLE `in`")).toBeInViewport();
  await ada.keyboard.press("Control+f");
  await expect(search(ada)).toBeFocused();
  await ada.keyboard.type("needle");
  await expect(ada.getByText("1 of 2")).toBeVisible();
  const marks = () =>
    ada.evaluate(() => ["found", "found-now"].map((name) => [...(CSS.highlights.get(name) ?? [])].map(String)));
  await expect.poll(marks).toEqual([["needle"], ["NEEDLE"]]);
  const colour = () => list(ada).evaluate((part) => getComputedStyle(part, "::highlight(found-now)").backgroundColor);
  expect(await colour()).toBe("rgb(255, 156, 63)");
  await search(ada).fill("is no needle");
  await expect(ada.getByText("1 of 1")).toBeVisible();
  await search(ada).fill("needle in code");
  await expect(ada.getByText("1 of 1")).toBeVisible();
  await expect.poll(marks).toEqual([[], ["NEEDLE `in` code"]]);
  await search(ada).fill("no such text");
  await expect(ada.getByText("No match")).toBeVisible();
  await search(ada).fill("message 3");
  await expect(ada.getByText(/^1 of \d+$/)).toBeVisible();
  await expect(said(ada, "message 399 ")).toBeInViewport();
  await ada.keyboard.press("Enter");
  await expect(said(ada, "message 398 ")).toBeInViewport();
  await ada.keyboard.press("Shift+Enter");
  await expect(ada.getByText(/^1 of \d+$/)).toBeVisible();
  await search(ada).fill("needle");
  await expect(ada.getByText("1 of 2")).toBeVisible();
  await expect(async () => {
    await ada.getByRole("button", { name: "Load older" }).click({ timeout: 500 });
    await expect(ada.getByText("All messages of this room are searched.")).toBeVisible({ timeout: 500 });
  }).toPass();
  await expect(ada.getByText("1 of 3")).toBeVisible();
  await ada.getByRole("button", { name: "Newer match" }).click();
  await expect(ada.getByText("3 of 3")).toBeVisible();
  await expect(said(ada, "an old needle")).toBeInViewport();
  await expect.poll(marks).toEqual([[], ["needle"]]);
  for (const colour of colours) {
    await ada.emulateMedia(colour);
    await expectAccessible(ada);
  }
  await ada.keyboard.press("Escape");
  await expect(search(ada)).toHaveCount(0);
});

test("search unfolds a long message if its match is in the folded part, and goes to the match", async ({ room }) => {
  const robot = await room.robot();
  const lines = Array.from({ length: 120 }, (_, n) => `line ${n} of many`);
  await robot.say([...lines.slice(0, 100), "here is a *needle*", ...lines.slice(100)].join("\n"));
  await robot.say(`a needle at the beginning ${"and some more words ".repeat(100)}`);
  await fill(robot, 30);
  for (const options of [wide, phone]) {
    const ada = await room.join("ada", options);
    await expect(said(ada, "message 29 ")).toBeInViewport();
    await ada.getByRole("button", { name: "Search", exact: true }).click();
    await search(ada).fill("needle");
    await expect(ada.getByText("1 of 2")).toBeVisible();
    await expect(said(ada, "a needle at the beginning").getByRole("button", { name: "Show all" })).toBeVisible();
    await ada.getByRole("button", { name: "Older match" }).click();
    await expect(ada.getByText("2 of 2")).toBeVisible();
    await expect(said(ada, "line 119 of many").getByRole("button", { name: "Show less" })).toBeAttached();
    const place = () =>
      list(ada).evaluate((scroller) => {
        const [range] = CSS.highlights.get("found-now") ?? [];
        const [view, match] = [scroller.getBoundingClientRect(), (range as Range | undefined)?.getBoundingClientRect()];
        return match ? Math.abs(match.y + match.height / 2 - view.y - view.height / 2) : Number.POSITIVE_INFINITY;
      });
    await expect.poll(place).toBeLessThan(20);
    // One that is open already is found, too.
    await ada.getByRole("button", { name: "Newer match" }).click();
    await ada.getByRole("button", { name: "Older match" }).click();
    await expect.poll(place).toBeLessThan(20);
    await ada.context().close();
  }
});

test("search opens by touch and closes again, and what arrives is found without a move", async ({ room }) => {
  const robot = await room.robot();
  await fill(robot, 40);
  const ada = await room.join("ada", phone);
  await ada.getByRole("button", { name: "Search", exact: true }).tap();
  await search(ada).fill("message 2");
  await expect(ada.getByText("1 of 11")).toBeVisible();
  await expect(said(ada, "message 29 ")).toBeInViewport();
  await robot.say("message 2 again");
  await expect(ada.getByText("2 of 12")).toBeVisible();
  await expect(said(ada, "message 29 ")).toBeInViewport();
  await expectAccessible(ada);
  await ada.getByRole("button", { name: "Close the search" }).tap();
  await expect(search(ada)).toHaveCount(0);
});
