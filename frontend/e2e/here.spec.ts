import type { Locator, Page } from "@playwright/test";
import { expectAccessible, hasEdge, phone, wide } from "./looking";
import { badge, composer, expect, say, test } from "./room";
import { isIn, link, openRoom } from "./roomlist";

/* Who is here: beside the messages where there is a place, else in a sheet. */

const broad = { viewport: { width: 1280, height: 720 } };

const count = (page: Page) => page.getByRole("button", { name: /People$/ });
const column = (page: Page) => page.getByRole("complementary", { name: /^People/ });
const sheet = (page: Page) => page.getByRole("dialog", { name: "People" });
const names = (place: Locator) => place.getByRole("listitem").locator("bdi");

test("PRE-4 a wide screen shows who is here, comes, goes and changes the name, in each room", async ({ room }) => {
  const ada = await room.join("ada", broad);
  await expect(names(column(ada))).toHaveText(["ada"]);
  await expect(column(ada).getByText("(you)")).toBeVisible();
  const bob = await room.join("bob");
  await expect(names(column(ada))).toHaveText(["ada", "bob"]);
  await expect(names(column(bob))).toHaveText(["bob", "ada"]);
  await bob.getByRole("button", { name: /Settings/ }).click();
  await bob.getByRole("textbox", { name: "Your name" }).fill("robert");
  await bob.keyboard.press("Enter");
  await say(bob, "new name");
  await expect(names(column(ada))).toHaveText(["ada", "robert"]);
  await openRoom(ada, "cats");
  await isIn(ada, "cats");
  await expect(names(column(ada))).toHaveText(["ada"]);
  await bob.context().close();
  await link(ada, "Lobby").click();
  await expect(names(column(ada))).toHaveText(["ada"]);
});

test("the count hides the column and shows it again, by mouse and keyboard", async ({ room }) => {
  const page = await room.join("ada", broad);
  await expect(count(page)).toHaveText("1 online");
  await expect(count(page)).toHaveAttribute("aria-expanded", "true");
  await count(page).click();
  await expect(column(page)).toHaveCount(0);
  await count(page).press("Enter");
  await expect(names(column(page))).toHaveText(["ada"]);
});

test("a column that is hidden stays hidden over reloads and in other rooms, and comes back", async ({ room }) => {
  const page = await room.join("ada", broad);
  await count(page).click();
  await page.reload();
  await expect(badge(page)).toHaveText("Live");
  await expect(count(page)).toHaveAttribute("aria-expanded", "false");
  await openRoom(page, "cats");
  await isIn(page, "cats");
  await expect(column(page)).toHaveCount(0);
  await count(page).click();
  await expect(names(column(page))).toHaveText(["ada"]);
  // A storage that takes nothing any more changes it for as long as the page lives.
  await page.evaluate(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  });
  await count(page).click();
  await expect(column(page)).toHaveCount(0);
  await page.reload();
  await expect(names(column(page))).toHaveText(["ada"]);
});

test("on a phone a tap on the count opens a sheet, which Close and a tap beside it close", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("hello", "R2");
  const page = await room.join("ada", phone);
  await expect(column(page)).toHaveCount(0);
  await count(page).tap();
  await expect(names(sheet(page))).toHaveText(["ada", "R2"]);
  await sheet(page).getByRole("button", { name: "Close" }).tap();
  await expect(sheet(page)).toHaveCount(0);
  await count(page).tap();
  await expect(sheet(page)).toBeVisible();
  await page.touchscreen.tap(20, 400);
  await expect(sheet(page)).toHaveCount(0);
});

test("Escape closes the sheet and leads back to the count", async ({ room }) => {
  const page = await room.join("ada", wide);
  await count(page).press("Enter");
  await expect(names(sheet(page))).toHaveText(["ada"]);
  await page.keyboard.press("Escape");
  await expect(sheet(page)).toHaveCount(0);
  await expect(count(page)).toBeFocused();
});

test("PRE-4 of many people a hundred are named, and the rest are counted", async ({ room }) => {
  const page = await room.join("ada", broad);
  for (let i = 0; i < 12; i++) await Promise.all(Array.from({ length: 10 }, () => room.robot()));
  await page.reload();
  await expect(badge(page)).toHaveText("Live");
  await expect(column(page).getByText("and 21 more")).toBeVisible();
  await expect(names(column(page))).toHaveCount(100);
  await expect(column(page).getByRole("heading", { name: /^People ?, 121$/ })).toBeVisible();
});

test("without a connection the list stays, the badge says what is wrong, and both recover", async ({ room }) => {
  const page = await room.join("ada", broad);
  await expect(names(column(page))).toHaveText(["ada"]);
  const small = () => badge(page).evaluate((node) => node.getBoundingClientRect().width <= 1);
  await expect.poll(small).toBe(true);
  await page.context().setOffline(true);
  await expect(badge(page)).toHaveText("Offline");
  await expect.poll(small).toBe(false);
  await expect(names(column(page))).toHaveText(["ada"]);
  await expect(page.getByText("1 online")).toHaveCount(0);
  await page.context().setOffline(false);
  await expect(page.getByText("1 online")).toBeVisible();
  await expect.poll(small).toBe(true);
});

test("a page that is not visible asks nobody", async ({ room }) => {
  const page = await room.join("ada", broad);
  await expect(names(column(page))).toHaveText(["ada"]);
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  const bob = await room.join("bob", broad);
  await expect(names(column(bob))).toHaveText(["bob", "ada"]);
  await expect(page.getByText("2 online")).toBeVisible();
  await expect(names(column(page))).toHaveText(["ada"]);
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "visible", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await expect(names(column(page))).toHaveText(["ada", "bob"]);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing, ${colorScheme}`, async ({ room }) => {
    const robot = await room.robot();
    await robot.say("hello", "שרה");
    const page = await room.join("ada", { ...broad, colorScheme });
    await expect(names(column(page))).toHaveText(["ada", "שרה"]);
    await expectAccessible(page);
    const small = await room.join("bob", { ...phone, colorScheme });
    await count(small).tap();
    await expect(names(sheet(small))).toHaveText(["bob", "ada", "שרה"]);
    await expectAccessible(small);
  });
}

test("in forced colours the circles have edges, and axe finds nothing", async ({ room }) => {
  const page = await room.join("ada", broad);
  await page.emulateMedia({ forcedColors: "active" });
  await expect.poll(() => hasEdge(column(page).getByRole("listitem").locator("span").first())).toBe(true);
  await expectAccessible(page);
});

test("from right to left the people are on the left, and nothing is cut off or pushed out", async ({ room }) => {
  const robot = await room.robot();
  await robot.say("hello", "W".repeat(64));
  const page = await room.join("ada", broad);
  await expect(names(column(page))).toHaveCount(2);
  const side = async () => {
    const [people, input] = [await column(page).boundingBox(), await composer(page).boundingBox()];
    return Math.sign((people?.x ?? 0) - (input?.x ?? 0));
  };
  await expect.poll(side).toBe(1);
  await page.evaluate(() => {
    document.documentElement.dir = "rtl";
  });
  await expect.poll(side).toBe(-1);
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
});
