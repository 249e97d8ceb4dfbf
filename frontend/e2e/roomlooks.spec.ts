import type { Page } from "@playwright/test";
import { expectAccessible, hasEdge, phone, wide } from "./looking";
import { composer, expect, said, say, test } from "./room";
import { field, isIn, link, openRoom, rooms, sayUnread, title } from "./roomlist";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`with few rooms, ${colorScheme}`, () => {
    test.use({ serverEnv: { ROOMS: "*s", ROOMS_LISTED: "cats,dogs" } });

    test("axe finds nothing in the list, in a refusal and in an address that names no room", async ({ room }) => {
      const robot = await room.robot("cats");
      const page = await room.join("ada", { ...wide, colorScheme }, room.server, "cats");
      await isIn(page, "cats");
      await expect(rooms(page).getByText("0 online")).toBeVisible();
      await link(page, "Lobby").click();
      await isIn(page, "Lobby");
      await sayUnread(page, robot, "cats", "meow");
      await expectAccessible(page);
      await openRoom(page, "two words");
      await expect(rooms(page).getByRole("alert")).toBeVisible();
      await expectAccessible(page);
      await openRoom(page, "mouse");
      await expect(page.getByText("This server does not have this room.")).toBeVisible();
      await expectAccessible(page);
      await page.goto(`${room.siteUrl}/?room=two%20words`);
      await expect(page.getByRole("heading", { name: "There is no such room." })).toBeVisible();
      await expectAccessible(page);

      const small = await room.join("bob", { ...phone, colorScheme });
      await small.getByRole("button", { name: /^Rooms/ }).tap();
      await expect(link(small, "dogs")).toBeVisible();
      await expectAccessible(small);
      await link(small, "dogs").tap();
      await isIn(small, "dogs");
      await expectAccessible(small);
    });
  });
}

test("in forced colours the list has edges, and the shown room is marked", async ({ room }) => {
  const robot = await room.robot("cats");
  const page = await room.join("ada", wide, room.server, "cats");
  await isIn(page, "cats");
  await link(page, "Lobby").click();
  await isIn(page, "Lobby");
  await sayUnread(page, robot, "cats", "meow");
  const parts = [
    link(page, "Lobby"),
    link(page, "cats")
      .getByText(/unread/)
      .locator(".."),
  ];
  for (const part of parts) await expect.poll(() => hasEdge(part)).toBe(false);
  await page.emulateMedia({ forcedColors: "active" });
  for (const part of parts) await expect.poll(() => hasEdge(part)).toBe(true);
  await expect.poll(() => hasEdge(link(page, "cats"))).toBe(false);
});

/** The left and right edges of the list and of the messages. */
async function sides(page: Page): Promise<{ list: number; room: number }> {
  const [list, room] = [await rooms(page).boundingBox(), await composer(page).boundingBox()];
  return { list: list?.x ?? Number.NaN, room: room?.x ?? Number.NaN };
}

test("from right to left the list is on the right, and nothing is cut off", async ({ room }) => {
  const page = await room.join("ada", wide, room.server, "cats");
  await isIn(page, "cats");
  const before = await sides(page);
  expect(before.list).toBeLessThan(before.room);
  await page.evaluate(() => {
    document.documentElement.dir = "rtl";
  });
  await expect.poll(async () => Math.sign((await sides(page)).list - (await sides(page)).room)).toBe(1);
  for (const part of [title(page), link(page, "cats"), field(page), composer(page)]) {
    await expect(part).toBeInViewport({ ratio: 1 });
  }
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  await say(page, "shalom");
  await expect(said(page, "shalom").getByLabel("Sent")).toBeVisible();
});

test("on a phone an endless name is cut off, and nothing is wider than the phone", async ({ room }) => {
  const name = "W".repeat(64);
  const page = await room.join("ada", phone, room.server, name);
  await isIn(page, name);
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  await expect.poll(width).toBe(390);
  const settings = page.getByRole("button", { name: /Settings/ });
  await expect(settings).toBeInViewport({ ratio: 1 });
  await page.getByRole("button", { name: /^Rooms/ }).tap();
  await expect(link(page, name)).toBeVisible();
  await expect(rooms(page).getByRole("button", { name: `Leave ${name}` })).toBeInViewport({ ratio: 1 });
  await expect.poll(width).toBe(390);
});
