import type { Locator } from "@playwright/test";
import { phone, wide } from "./looking";
import { badge, composer, expect, list, said, say, setSeen, settled, test, texts } from "./room";
import { field, isIn, link, openRoom, rooms, sayUnread, title } from "./roomlist";

test("P10 the address opens a room, and nothing of it is heard in another", async ({ room }) => {
  const [ada, bob] = [await room.join("ada", wide, room.server, "cats"), await room.join("bob", wide)];
  await isIn(ada, "cats");
  await isIn(bob, "Lobby");
  const robot = await room.robot("cats");
  await robot.say("meow");
  await expect(said(ada, "meow")).toBeVisible();
  await say(ada, "purr");
  await say(bob, "hello");
  await expect(said(bob, "hello").getByLabel("Sent")).toBeVisible();
  await expect.poll(() => texts(ada)).toEqual(["meow", "purr"]);
  await expect.poll(() => robot.heard).toEqual(["meow", "purr"]);
  expect(await texts(bob)).toEqual(["hello"]);
  await expect(ada.getByText("2 online")).toBeVisible();
  await expect(bob.getByText("1 online")).toBeVisible();
});

test("the form names the room and counts the people in it", async ({ room }) => {
  await room.robot("cats");
  const page = await room.visit({}, room.server, "cats");
  await expect(page.getByText("Room cats")).toBeVisible();
  await expect(page.getByText("One other person is here.")).toBeVisible();
});

test("P10 all rooms share one connection, and the buttons of the browser go between them", async ({ room }) => {
  const page = await room.join("ada", wide);
  const opened: string[] = [];
  page.on("websocket", (socket) => opened.push(socket.url()));
  await openRoom(page, "cats");
  await isIn(page, "cats");
  await expect(page).toHaveURL(/\/\?room=cats$/);
  await expect(page).toHaveTitle("cats · Chat");
  await expect(composer(page)).toBeFocused();
  await say(page, "meow");
  await openRoom(page, "dogs");
  await isIn(page, "dogs");
  await say(page, "woof");
  await expect.poll(() => texts(page)).toEqual(["woof"]);
  await page.goBack();
  await isIn(page, "cats");
  await expect.poll(() => texts(page)).toEqual(["meow"]);
  await page.goBack();
  await isIn(page, "Lobby");
  await expect(page).toHaveTitle("Chat");
  await expect.poll(() => texts(page)).toEqual([]);
  await page.goForward();
  await isIn(page, "cats");
  await link(page, "dogs").click();
  await isIn(page, "dogs");
  expect(opened).toEqual([]);
});

test("unread messages are counted in each room until it is shown, also after a reload", async ({ room }) => {
  const ada = await room.join("ada", wide);
  await openRoom(ada, "cats");
  await isIn(ada, "cats");
  const robot = await room.robot("cats");
  await robot.say("seen");
  await expect(said(ada, "seen")).toBeVisible();
  await link(ada, "Lobby").click();
  await isIn(ada, "Lobby");
  await sayUnread(ada, robot, "cats", "unseen");
  const unread = robot.heard.length - 1;
  await expect(link(ada, "cats")).toHaveText(`cats, ${unread} unread`);
  await expect(ada).toHaveTitle(`(${unread}) Chat`);
  await ada.reload();
  await isIn(ada, "Lobby");
  await expect(link(ada, "cats")).toHaveText(`cats, ${unread} unread`);
  await link(ada, "cats").click();
  await expect(said(ada, "unseen").last()).toBeVisible();
  // A line stands between what was seen and what is new.
  await expect(list(ada).getByText("New messages")).toHaveCount(1);
  const y = async (part: Locator) => (await part.boundingBox())?.y ?? Number.NaN;
  const below = async () => (await y(list(ada).getByText("New messages"))) - (await y(said(ada, "seen").first()));
  await expect.poll(below).toBeGreaterThan(0);
  await expect(link(ada, "cats")).toHaveText("cats");
  await expect(ada).toHaveTitle("cats · Chat");
  await ada.reload();
  await isIn(ada, "cats");
  await expect(said(ada, "seen").first()).toBeVisible();
  await expect(ada).toHaveTitle("cats · Chat");
  // What comes in the first second of a page counts as history, and so as unread.
  const entered = await ada.evaluate(() => performance.now());
  await ada.waitForFunction((then) => performance.now() > then + 1100, entered);
  await robot.say("live");
  await expect(said(ada, "live")).toBeVisible();
  await expect(list(ada).getByText("New messages")).toHaveCount(0);
  // Also for whoever comes back to the page itself.
  await setSeen(ada, false);
  await robot.say("while away");
  await expect(ada).toHaveTitle("(1) cats · Chat");
  await setSeen(ada, true);
  await expect(list(ada).getByText("New messages")).toHaveCount(1);
  await expect(ada).toHaveTitle("cats · Chat");
  await link(ada, "Lobby").click();
  await isIn(ada, "Lobby");
  await robot.say("before the reload");
  await expect(link(ada, "cats")).toHaveText("cats, 1 unread");
  await ada.goto(`${room.siteUrl}/?room=cats`);
  await expect(said(ada, "before the reload")).toBeVisible();
  await expect(list(ada).getByText("New messages")).toHaveCount(1);
});

test("a draft and what waits to be sent belong to their room, also after a reload", async ({ room }) => {
  const ada = await room.join("ada", wide);
  await openRoom(ada, "cats");
  await isIn(ada, "cats");
  await room.server.end("SIGKILL");
  await expect(badge(ada)).not.toHaveText("Live");
  await say(ada, "for the cats");
  await composer(ada).fill("a draft for the cats");
  await link(ada, "Lobby").click();
  await expect(composer(ada)).toHaveValue("");
  await say(ada, "for all");
  await expect.poll(() => texts(ada)).toEqual(["for all"]);
  await ada.reload();
  await expect.poll(() => texts(ada)).toEqual(["for all"]);
  await link(ada, "cats").click();
  await expect(composer(ada)).toHaveValue("a draft for the cats");
  await expect(said(ada, "for the cats").getByLabel("Waiting for a connection")).toBeVisible();
  await room.server.start();
  await isIn(ada, "cats");
  await expect(said(ada, "for the cats").getByLabel("Sent")).toBeVisible();
  await link(ada, "Lobby").click();
  await expect(said(ada, "for all").getByLabel("Sent")).toBeVisible();
  const [cats, lobby] = [await room.robot("cats"), await room.robot()];
  await cats.say("later");
  await lobby.say("later");
  await expect.poll(() => texts(ada)).toEqual(["for all", "later"]);
  await link(ada, "cats").click();
  await expect.poll(() => texts(ada)).toEqual(["for the cats", "later"]);
});

test("P10 P3 after an outage each room has what it missed, without a gap", async ({ room }) => {
  const ada = await room.join("ada", wide);
  const [lobby, cats] = [await room.robot(), await room.robot("cats")];
  await openRoom(ada, "cats");
  await isIn(ada, "cats");
  await lobby.say("all before");
  await cats.say("cats before");
  await expect(said(ada, "cats before")).toBeVisible();
  await ada.context().setOffline(true);
  await expect(badge(ada)).toHaveText("Offline");
  const missed = Array.from({ length: 60 }, (_, i) => `${i} .`);
  for (const text of missed) {
    await lobby.say(`all ${text}`);
    await cats.say(`cats ${text}`);
  }
  await ada.context().setOffline(false);
  await isIn(ada, "cats");
  await expect(said(ada, "cats 59 .")).toBeVisible();
  await expect(ada.getByText("Messages may be missing")).toHaveCount(0);
  await expect(link(ada, "Lobby")).toHaveText("Lobby, 61 unread");
  await link(ada, "Lobby").click();
  await expect(said(ada, "all 59 .")).toBeVisible();
  await expect(ada.getByText("Messages may be missing")).toHaveCount(0);
});

test("leaving a room ends its messages, and asks first if something was not sent", async ({ room }) => {
  const [ada, bob] = [await room.join("ada", wide), await room.join("bob", wide, room.server, "cats")];
  await openRoom(ada, "cats");
  await isIn(ada, "cats");
  await expect(bob.getByText("2 online")).toBeVisible();
  await composer(ada).fill("not sent");
  const leave = rooms(ada).getByRole("button", { name: "Leave cats" });
  let asked = 0;
  ada.once("dialog", (dialog) => {
    asked++;
    void dialog.dismiss();
  });
  await leave.click();
  await expect.poll(() => asked).toBe(1);
  await expect(title(ada)).toHaveText("cats");
  await composer(ada).fill("");
  await leave.click();
  await isIn(ada, "Lobby");
  await expect(link(ada, "cats")).toHaveCount(0);
  await expect(bob.getByText("1 online")).toBeVisible();
  await say(bob, "alone");
  await expect(said(bob, "alone").getByLabel("Sent")).toBeVisible();
  await ada.reload();
  await isIn(ada, "Lobby");
  await expect(link(ada, "cats")).toHaveCount(0);
  // Whoever comes back sees the room from its beginning.
  await openRoom(ada, "cats");
  await isIn(ada, "cats");
  await expect.poll(() => texts(ada)).toEqual(["alone"]);
  await expect(ada.getByText("This is where the chat begins.")).toBeVisible();
});

test("a room that was left and opened again on the same page has its whole history", async ({ room }) => {
  const ada = await room.join("ada", wide);
  await openRoom(ada, "cats");
  await isIn(ada, "cats");
  for (const text of ["one", "two"]) {
    await say(ada, text);
    await expect(said(ada, text).getByLabel("Sent")).toBeVisible();
  }
  await rooms(ada).getByRole("button", { name: "Leave cats" }).click();
  await isIn(ada, "Lobby");
  await openRoom(ada, "cats");
  await isIn(ada, "cats");
  await expect.poll(() => texts(ada)).toEqual(["one", "two"]);
});

test("on a phone the list is a drawer", async ({ room }) => {
  const page = await room.join("ada", phone);
  await expect(rooms(page)).toBeHidden();
  const button = page.getByRole("button", { name: /^Rooms/ });
  const drawer = page.getByRole("dialog", { name: "Rooms" });
  await button.tap();
  await openRoom(page, "cats");
  await isIn(page, "cats");
  await expect(drawer).toBeHidden();
  // The on-screen keyboard stays closed: whoever changes the room reads first.
  await expect(title(page)).toBeFocused();
  await button.tap();
  await link(page, "Lobby").tap();
  await isIn(page, "Lobby");
  await expect(drawer).toBeHidden();
  const robot = await room.robot("cats");
  await expect(async () => {
    await robot.say("meow");
    await expect(button).toHaveAccessibleName(/^Rooms\. \d+ unread in other rooms\.$/, { timeout: 300 });
  }).toPass();
  await button.tap();
  await expect(link(page, "cats")).toHaveText(/cats, \d+ unread/);
  await drawer.getByRole("button", { name: "Close" }).tap();
  await expect(drawer).toBeHidden();
  await button.tap();
  await page.touchscreen.tap(380, 400);
  await expect(drawer).toBeHidden();
  await button.tap();
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await expect(button).toBeFocused();
});

test("a notification names the room, and a click on it shows the room", async ({ room }) => {
  const page = await room.join("ada", wide);
  await page.addInitScript(() => {
    const shown: { title: string; onclick: (() => void) | null; close(): void }[] = [];
    class Recorder {
      static permission = "granted";
      static requestPermission = async () => "granted";
      onclick: (() => void) | null = null;
      close() {}
      constructor(readonly title: string) {
        shown.push(this);
      }
    }
    Object.assign(window, { Notification: Recorder, shown });
  });
  await page.reload();
  await openRoom(page, "cats");
  await isIn(page, "cats");
  await link(page, "Lobby").click();
  await isIn(page, "Lobby");
  await page.getByRole("button", { name: /Settings/ }).click();
  await page.getByLabel("Show a notification").click();
  await expect(page.getByLabel("Show a notification")).toBeChecked();
  await page.keyboard.press("Escape");
  await setSeen(page, false);
  const robot = await room.robot("cats");
  const titles = () =>
    page.evaluate(() => (window as unknown as { shown: { title: string }[] }).shown.map((each) => each.title));
  await expect(async () => {
    await robot.say("meow");
    await expect.poll(titles, { timeout: 300 }).toContain("robot in cats");
  }).toPass();
  await setSeen(page, true);
  await page.evaluate(() => (window as unknown as { shown: { onclick: () => void }[] }).shown.at(-1)?.onclick());
  await isIn(page, "cats");
});

test("the list works by keyboard", async ({ room }) => {
  const page = await room.join("ada", wide);
  await openRoom(page, "cats");
  await isIn(page, "cats");
  await link(page, "Lobby").focus();
  await page.keyboard.press("Tab");
  await expect(link(page, "cats")).toBeFocused();
  await page.keyboard.press("Tab");
  const leave = rooms(page).getByRole("button", { name: "Leave cats" });
  await expect(leave).toBeFocused();
  await expect.poll(() => leave.evaluate((button) => getComputedStyle(button).opacity)).toBe("1");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await isIn(page, "Lobby");
  await expect(composer(page)).toBeFocused();
  // What is typed into the list stays there.
  await field(page).focus();
  await page.keyboard.type("dogs");
  await expect(field(page)).toHaveValue("dogs");
  await page.keyboard.press("Enter");
  await isIn(page, "dogs");
});

test("each room keeps its place: unread messages do not move a reader of another room", async ({ room }) => {
  const [cats, dogs] = [await room.robot("cats"), await room.robot("dogs")];
  for (let i = 0; i < 40; i++) await cats.say(`message ${i} .`);
  const page = await room.join("ada", { viewport: { width: 1100, height: 600 } }, room.server, "dogs");
  await openRoom(page, "cats");
  await isIn(page, "cats");
  await expect(said(page, "message 39 .")).toBeInViewport();
  await expect(async () => {
    await list(page).evaluate((scroller) => scroller.scrollTo(0, scroller.scrollHeight / 2));
    await expect(page.getByRole("button", { name: "Newest" })).toBeVisible({ timeout: 300 });
  }).toPass();
  const top = await settled(() => list(page).evaluate((scroller) => scroller.scrollTop));
  await sayUnread(page, dogs, "dogs", "woof");
  expect(await list(page).evaluate((scroller) => scroller.scrollTop)).toBe(top);
  // What arrives below the reader is not read yet.
  await cats.say("below");
  await expect(link(page, "cats")).toHaveText("cats, 1 unread");
  await page.getByRole("button", { name: "1 new message" }).click();
  await expect(link(page, "cats")).toHaveText("cats");
});
