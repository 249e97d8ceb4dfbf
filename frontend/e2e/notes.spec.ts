import type { Locator, Page } from "@playwright/test";
import { expectAccessible, phone, wide } from "./looking";
import { badge, expect, fill, list, said, say, test } from "./room";

/* What lies over the top of the list: the search, notes and the way to what is new. */

const search = (page: Page) => page.getByRole("searchbox", { name: "Search this room" });
const marked = (page: Page) => list(page).locator("li[data-marked]");

type Box = { x: number; y: number; width: number; height: number };

async function boxOf(element: Locator): Promise<Box> {
  const box = await element.boundingBox();
  if (!box) throw new Error("The element is not shown.");
  return box;
}

const meet = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

for (const [name, device] of [
  ["wide", wide],
  ["phone", phone],
  ["narrow, with large text", { ...phone, viewport: { width: 320, height: 640 } }],
] as const) {
  test(`the search, two notes and the way to what is new are below each other: ${name}`, async ({ room }) => {
    const robot = await room.robot();
    await robot.say("the last that ada saw");
    const ada = await room.join("ada", { ...device, permissions: ["clipboard-read", "clipboard-write"] });
    await expect(said(ada, "the last that ada saw")).toBeVisible();
    if (name.includes("large")) await ada.evaluate(() => localStorage.setItem("chat.look", `{"size":130}`));
    await ada.goto(`${room.siteUrl}/?at=1234-5`);
    await expect(badge(ada)).toHaveText("Live");
    const note = ada.getByText("older than all that this room keeps");
    await expect(note).toBeVisible();
    await ada.getByRole("button", { name: "Search", exact: true }).click();
    await search(ada).fill("the last");
    await expect(ada.getByText("1 of 1")).toBeVisible();
    await said(ada, "the last that ada saw").getByRole("button", { name: "More" }).focus();
    await ada.keyboard.press("Enter");
    await ada.getByRole("menuitem", { name: "Copy link" }).click();
    const copied = ada.getByText("Link copied");
    await expect(copied).toBeVisible();
    const boxes = await Promise.all([ada.getByRole("search"), note.locator(".."), copied.locator("..")].map(boxOf));
    for (const [i, box] of boxes.entries()) {
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(device.viewport?.width ?? 0);
      for (const other of boxes.slice(i + 1)) expect(meet(box, other)).toBe(false);
    }
    await expectAccessible(ada);
    // What is beside them can be clicked.
    await ada.getByRole("button", { name: "Close this note" }).click();
    await expect(note).toHaveCount(0);
    await ada.getByRole("button", { name: "Close the search" }).click();
    await expect(search(ada)).toHaveCount(0);
    // The way to what is new stands alone in the middle.
    await ada.goto("about:blank");
    await fill(robot, 60);
    await ada.goto(room.siteUrl);
    const news = ada.getByRole("button", { name: "New since you left" });
    await expect(news).toBeVisible();
    const [pill, view] = [await boxOf(news), await boxOf(list(ada))];
    expect(Math.abs(pill.x + pill.width / 2 - view.x - view.width / 2)).toBeLessThan(2);
    expect(pill.y - view.y).toBeLessThan(16);
    await news.click();
    await expect(marked(ada)).toContainText("message 0 ");
  });
}

test("the mark of a message keeps away from its bubble, and no row moves for it", async ({ room }) => {
  const robot = await room.robot();
  for (const text of ["one .", "two .", "three ."]) await robot.say(text, "eve");
  for (const options of [wide, phone]) {
    const ada = await room.join("ada", options);
    const mine = `mine ${options.viewport?.width}`;
    await say(ada, mine);
    await expect(said(ada, mine).getByLabel("Sent")).toBeVisible();
    for (const text of ["two .", mine]) {
      const places = () =>
        ada.getByRole("article").evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().y));
      const before = await places();
      await said(ada, text).getByRole("link").focus();
      await ada.keyboard.press("Enter");
      await expect(marked(ada)).toContainText(text);
      const edge = await marked(ada)
        .locator("[data-bubble]")
        .evaluate((bubble) => {
          const { outlineOffset, outlineWidth, outlineStyle } = getComputedStyle(bubble);
          return { outlineOffset, outlineWidth, outlineStyle };
        });
      expect(edge).toEqual({ outlineOffset: "2px", outlineWidth: "2px", outlineStyle: "solid" });
      expect(await places()).toEqual(before);
      const [bubble, view] = [await boxOf(marked(ada).locator("[data-bubble]")), await boxOf(list(ada))];
      expect(bubble.x - 4).toBeGreaterThan(view.x);
      expect(bubble.x + bubble.width + 4).toBeLessThan(view.x + view.width);
    }
    await ada.context().close();
  }
});
