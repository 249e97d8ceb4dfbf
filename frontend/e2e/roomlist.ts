import { expect, type Page } from "@playwright/test";
import { badge, type Robot } from "./room";

/*
 * The list of rooms, as people see and use it.
 */

export const rooms = (page: Page) => page.getByRole("navigation", { name: "Rooms" });
export const link = (page: Page, name: string) =>
  rooms(page).getByRole("link", { name: new RegExp(`^${name}( ?,|$)`) });
export const title = (page: Page) => page.getByRole("heading", { level: 1 });
export const field = (page: Page) => page.getByRole("textbox", { name: "Open a room" });

export async function openRoom(page: Page, name: string): Promise<void> {
  await field(page).fill(name);
  await field(page).press("Enter");
}

/** Waits until the server has let the page into the room that it shows. */
export async function isIn(page: Page, name: string): Promise<void> {
  await expect(title(page)).toHaveText(name);
  await expect(badge(page)).toHaveText("Live");
}

/**
 * Lets somebody speak in a room that the page does not show, until that counts as unread: what comes in the first second of
 * a page is history.
 */
export async function sayUnread(page: Page, speaker: Pick<Robot, "say">, room: string, text: string): Promise<void> {
  await expect(async () => {
    await speaker.say(text);
    await expect(link(page, room)).toHaveText(new RegExp(`^${room}, \\d+ unread`), { timeout: 300 });
  }).toPass();
}
