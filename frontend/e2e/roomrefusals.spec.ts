import { wide } from "./looking";
import { badge, expect, said, say, test } from "./room";
import { isIn, link, openRoom, rooms, title } from "./roomlist";

/* What the server refuses, and what it lets wait. */

test("ROOM-1 a name that is none is explained, in the form and in the address", async ({ room }) => {
  const page = await room.join("ada", wide);
  await openRoom(page, "two words");
  await expect(rooms(page).getByRole("alert")).toContainText("1 to 64 characters");
  await expect(title(page)).toHaveText("Lobby");
  await openRoom(page, "#cats");
  await isIn(page, "cats");
  await page.goto(`${room.siteUrl}/?room=two%20words`);
  await expect(page.getByRole("heading", { name: "There is no such room." })).toBeVisible();
  await page.getByRole("link", { name: "Go to the lobby" }).click();
  await isIn(page, "Lobby");
  await expect(page).toHaveURL(/\/$/);
});

test.describe("a server with few rooms", () => {
  test.use({ serverEnv: { ROOMS: "team-*", ROOMS_LISTED: "team-a,team-b", MAX_ROOMS_PER_CONNECTION: "1" } });

  test("ROOM-7 says why it refuses a room, and the others go on", async ({ room }) => {
    const page = await room.join("ada", wide);
    await openRoom(page, "cats");
    await expect(page.getByText("This server does not have this room.")).toBeVisible();
    await expect(badge(page)).toHaveText("Refused");
    await expect(page.getByRole("button", { name: "People" })).toHaveCount(0); // nobody whom it could show
    await page.getByRole("link", { name: "Go to the lobby" }).click();
    await isIn(page, "Lobby");
    await expect(page.getByRole("button", { name: "People" })).toBeVisible();
    await expect(link(page, "cats")).toHaveCount(0);
    await openRoom(page, "team-a");
    await isIn(page, "team-a");
    await openRoom(page, "team-b");
    await expect(page.getByText("You are in too many rooms.")).toBeVisible();
    await expect(link(page, "team-b")).toHaveText("team-b, refused");
    await rooms(page).getByRole("button", { name: "Leave team-a" }).click();
    await page.getByRole("button", { name: "Try again" }).click();
    await isIn(page, "team-b");
    await say(page, "hello");
    await expect(said(page, "hello").getByLabel("Sent")).toBeVisible();
  });

  test("ROOM-14 lists its rooms with their members", async ({ room }) => {
    await room.robot("team-b");
    const page = await room.join("ada", wide);
    const more = rooms(page).getByRole("list", { name: "More rooms" });
    await expect(more.getByRole("link")).toHaveText(["team-a, 0 online", "team-b, 1 online"]);
    await more.getByRole("link", { name: /team-b/ }).click();
    await isIn(page, "team-b");
    await expect(more.getByRole("link")).toHaveText([/team-a/]);
  });
});

test.describe("a server with space for one room", () => {
  test.use({ serverEnv: { MAX_ROOMS: "1", CONNECT_TIMEOUT: "3s" } });

  test("P10 ROOM-8 a room that has to wait says so and holds no other", async ({ room }) => {
    const dogs = await room.robot("dogs");
    const page = await room.join("ada", wide);
    await openRoom(page, "cats");
    await expect(page.getByText("This room does not answer yet. Your other rooms go on.")).toBeVisible();
    await expect(link(page, "cats")).toHaveText("cats, joining");
    await say(page, "for the cats");
    await expect(said(page, "for the cats").getByLabel("Waiting for a connection")).toBeVisible();
    await link(page, "Lobby").click();
    await isIn(page, "Lobby");
    for (const text of ["one", "two", "three"]) {
      await say(page, text);
      await expect(said(page, text).getByLabel("Sent")).toBeVisible();
    }
    await expect(page.getByText("Messages may be missing")).toHaveCount(0);
    // Dogs is closed some seconds after its last member has left.
    dogs.leave();
    await expect(link(page, "cats")).toHaveText("cats", { timeout: 60_000 });
    await link(page, "cats").click();
    await isIn(page, "cats");
    await expect(said(page, "for the cats").getByLabel("Sent")).toBeVisible();
  });
});

test.describe("a server without rooms", () => {
  test.use({ serverEnv: { ROOMS: "off" } });

  test("lists none, and the lobby works as ever", async ({ room }) => {
    const page = await room.join("ada", wide);
    await say(page, "hello");
    await expect(said(page, "hello").getByLabel("Sent")).toBeVisible();
    await expect(rooms(page).getByRole("link")).toHaveText(["Lobby"]);
    await openRoom(page, "cats");
    await expect(page.getByText("This server does not have this room.")).toBeVisible();
  });
});
