import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Page } from "@playwright/test";
import { badge, composer, expect, goUp, type Room, said, say, test } from "../e2e/room";

const where = { locale: "en-GB", timezoneId: "Europe/London", reducedMotion: "reduce" } as const;
const wide: BrowserContextOptions = { ...where, viewport: { width: 1280, height: 800 } };
const phone: BrowserContextOptions = {
  ...where,
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};

function take(page: Page, name: string): Promise<Buffer> {
  const path = fileURLToPath(new URL(`../../docs/screenshots/${name}.png`, import.meta.url));
  return page.screenshot({ path, caret: "initial", animations: "disabled" });
}

/** Sends a message and waits until it is stored, so that the next message comes after it. */
async function tell(page: Page, text: string): Promise<void> {
  await say(page, text);
  const [line = ""] = text.split("\n");
  await expect(said(page, line).getByLabel("Sent")).toBeVisible();
}

/** A person in the global room who is in two other rooms, too. */
async function joinThree(room: Room, options: BrowserContextOptions): Promise<Page> {
  const page = await room.join("Ada", options, room.server, "random");
  for (const [path, name] of [
    ["/?room=deploys", "deploys"],
    ["/", "Lobby"],
  ] as const) {
    await page.goto(room.siteUrl + path);
    await expect(page.getByRole("heading", { name })).toBeVisible();
    await expect(badge(page)).toHaveText("Live");
  }
  return page;
}

/** Somebody without a page: one robot for each name, as each is one person in the list of people. */
async function person(room: Room, name: string, where?: string): Promise<(text: string) => Promise<void>> {
  const robot = await room.robot(where);
  return (text) => robot.say(text, name);
}

/** Waits until the people beside the messages, if there is a place, are those who are in the talk. */
async function expectPeople(page: Page, names: readonly string[]): Promise<void> {
  const column = page.getByRole("complementary", { name: /^People/ });
  const wide = await page.evaluate(() => matchMedia("(min-width: 75rem)").matches);
  await expect(column.getByRole("listitem").locator("bdi")).toHaveText(wide ? names : []);
}

/** A chat of four people; the page belongs to one of them. */
async function talk(room: Room, options: BrowserContextOptions): Promise<{ page: Page; grace: Page }> {
  const [linus, margaret] = [await person(room, "Linus"), await person(room, "Margaret")];
  const deploys = await person(room, "Margaret", "deploys");
  await room.robot("general");
  await linus("Has anyone looked at the new dashboards yet?");
  await margaret("Yes! The lag histogram is exactly what I was missing.");
  await margaret("p99 under 4 ms since Tuesday 🎉");
  const [page, grace] = [await joinThree(room, options), await room.join("Grace", wide)];
  await expect(said(page, "p99 under")).toBeVisible();
  await tell(page, "That is lovely. Did the rolling restart go through last night?");
  await tell(grace, "It did. Three nodes, one after the other, and nobody noticed a thing.");
  await tell(grace, "Notes and graphs are here: https://example.com/notes/rolling-restart");
  await tell(page, "👏");
  await tell(page, "Then I will close the ticket.\nThank you for staying up so late!");
  await linus("Coffee at eleven?");
  await tell(grace, "Count me in ☕");
  await expect(said(page, "Count me in")).toBeVisible();
  await deploys("Version 41 is on all nodes.");
  await deploys("No errors so far.");
  await expect(page).toHaveTitle("(2) Chat");
  await expectPeople(page, ["Ada", "Grace", "Linus", "Margaret"]);
  await composer(grace).pressSequentially("An");
  await expect(page.getByText("Grace is typing")).toBeVisible();
  return { page, grace };
}

test("form", async ({ room }) => {
  await room.robot();
  const page = await room.visit(wide);
  await page.getByLabel("Your name").fill("Ada");
  await expect(page.getByText("One other person is here.")).toBeVisible();
  await take(page, "form");
});

test("empty room", async ({ room }) => {
  const page = await room.join("Ada", wide);
  await expect(page.getByText("It is quiet here.")).toBeVisible();
  await take(page, "empty");
});

test("busy room", async ({ room }) => {
  const { page } = await talk(room, wide);
  await take(page, "room");
});

test("dark", async ({ room }) => {
  const { page } = await talk(room, { ...wide, colorScheme: "dark" });
  await take(page, "dark");
});

test("phone", async ({ room }) => {
  const { page } = await talk(room, phone);
  await take(page, "phone");
});

test("phone, dark", async ({ room }) => {
  const { page } = await talk(room, { ...phone, colorScheme: "dark" });
  await take(page, "phone-dark");
});

test("rooms on a phone", async ({ room }) => {
  const { page } = await talk(room, { ...phone, colorScheme: "light" });
  await page.getByRole("button", { name: /^Rooms/ }).click(); // a tap would leave its mark
  await expect(page.getByRole("link", { name: /general.*online/ })).toBeVisible();
  await take(page, "phone-rooms");
});

test("settings", async ({ room }) => {
  const { page } = await talk(room, wide);
  await page.getByRole("button", { name: /Settings/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await take(page, "settings");
});

test("offline", async ({ room }) => {
  const { page } = await talk(room, wide);
  await page.context().setOffline(true);
  await expect(badge(page)).toHaveText("Offline");
  await say(page, "On the train, this will go out when the tunnel ends.");
  await expect(said(page, "On the train")).toBeVisible();
  await expect(page.getByText(/Next try in/)).toBeVisible();
  await take(page, "offline");
});

test("reading further up", async ({ room }) => {
  const [linus, margaret, grace] = await Promise.all(["Linus", "Margaret", "Grace"].map((name) => person(room, name)));
  await grace?.("Let me know when you are done."); // from now on the list of people has her name
  for (let i = 1; i <= 40; i++) await (i % 5 ? linus : margaret)?.(`This is message number ${i} of a long talk.`);
  const page = await room.join("Ada", wide);
  await expect(said(page, "number 40 ")).toBeVisible();
  await goUp(page, 900);
  for (const text of ["One more.", "And another.", "That was it."]) await grace?.(text);
  await expect(page.getByRole("button", { name: "3 new messages" })).toBeVisible();
  await take(page, "further-up");
});
