import { createHmac } from "node:crypto";
import type { Page } from "@playwright/test";
import { expectAccessible, hasEdge, wide } from "./looking";
import { badge, composer, expect, type Room, said, say, test } from "./room";

/* Who speaks: guests, accounts, and what they may do. */

const secret = "a secret of the tests, of 32 bytes";

/** A token of the issuer of the tests, for a minute. */
function token(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 60;
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ exp, ...claims })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

const guestOf = (page: Page) => page.evaluate(() => JSON.parse(localStorage.getItem("chat.guest") ?? "{}"));

test("P11 reloads and tabs of a browser are one guest", async ({ room }) => {
  const robot = await room.robot();
  const first = await room.join("ada");
  await say(first, "one");
  await expect(said(first, "one").getByLabel("Sent")).toBeVisible();
  await first.reload();
  await say(first, "two");
  const second = await first.context().newPage();
  await second.goto(room.siteUrl);
  await second.getByRole("button", { name: "Join the room" }).click();
  await say(second, "three");
  for (const page of [first, second]) {
    for (const text of ["one", "two", "three"]) await expect(said(page, text)).toHaveAttribute("data-mine");
  }
  await expect.poll(() => robot.heard).toEqual(["one", "two", "three"]);
  const { id, token } = await guestOf(second);
  expect(robot.authors).toEqual([id, id, id]);
  for (const page of [first, second]) {
    expect(page.url()).not.toContain(token);
    expect(await page.content()).not.toContain(token);
  }
});

test("P11 a server with other keys makes a new guest by itself, and nothing is lost", async ({ room }) => {
  const page = await room.join("ada");
  await say(page, "before");
  await expect(said(page, "before").getByLabel("Sent")).toBeVisible();
  const { id } = await guestOf(page);
  await room.server.end("SIGKILL"); // without Redis and AUTH_SECRET, each start makes a key
  await say(page, "meanwhile");
  await expect(said(page, "meanwhile").getByLabel("Waiting for a connection")).toBeVisible();
  await room.server.start();
  await expect(said(page, "meanwhile").getByLabel("Sent")).toBeVisible();
  await expect(badge(page)).toHaveText("Live");
  for (const text of ["before", "meanwhile"]) await expect(said(page, text)).toHaveAttribute("data-mine");
  expect((await guestOf(page)).id).not.toBe(id);
});

test.describe("guests who read", () => {
  test.use({ serverEnv: { GUESTS: "read", AUTH: "jwt,guest", AUTH_JWT_SECRET: secret } });

  test("P11 they are told so, and have no input", async ({ room }) => {
    const page = await room.join("ada", wide);
    await expect(page.getByText("You can read here, but not write.")).toBeVisible();
    await expect(composer(page)).toHaveCount(0);
    const ada = await room.robot(undefined, token({ sub: "u1", name: "Ada" }));
    await ada.say("hello");
    await expect(said(page, "hello").getByRole("img", { name: "verified name" })).toBeVisible();
    await expectAccessible(page);
    await page.emulateMedia({ forcedColors: "active" });
    const colours = () =>
      said(page, "hello")
        .locator("svg circle")
        .evaluate((mark) => [getComputedStyle(mark).fill, getComputedStyle(document.body).color]);
    await expect.poll(async () => new Set(await colours()).size).toBe(1);
    await page.reload();
    await expect(said(page, "hello")).toBeVisible();
    await expect(composer(page)).toHaveCount(0);
  });
});

test.describe("a server with accounts", () => {
  test.use({ serverEnv: { AUTH: "jwt", AUTH_JWT_SECRET: secret } });

  test("P11 says that it needs a sign-in", async ({ room }) => {
    const page = await room.visit(wide);
    await expect(page.getByRole("heading", { name: "This server needs a sign-in." })).toBeVisible();
    await expectAccessible(page);
    await page.emulateMedia({ forcedColors: "active" });
    await expect.poll(() => hasEdge(page.getByRole("main").getByRole("alert"))).toBe(true);
    await signIn(page, token({ sub: "u1", name: "Ada" }));
    await expect(page.getByLabel("Your name")).toHaveValue("Ada");
    await expect(page.getByText("Your account gives you this name.")).toBeVisible();
    await page.getByRole("button", { name: "Join the room" }).click();
    await say(page, "hello");
    await expect(said(page, "hello").getByLabel("Sent")).toBeVisible();
    await signIn(page, token({ sub: "u1", exp: 1_000_000_000 }));
    await expect(page.getByRole("heading", { name: "Please sign in again." })).toBeVisible();
  });
});

/** Does what a page with accounts of its own would do. */
async function signIn(page: Page, token: string): Promise<void> {
  await page.evaluate((token) => localStorage.setItem("chat.guest", JSON.stringify({ id: "u1", token })), token);
  await page.reload();
}

test.describe("a name that imitates", () => {
  test.use({ serverEnv: { AUTH: "jwt,guest", AUTH_JWT_SECRET: secret } });

  test("P11 has no mark, and a run of its own", async ({ room }: { room: Room }) => {
    const page = await room.join("bob");
    const ada = await room.robot(undefined, token({ sub: "u1", name: "Ada" }));
    await ada.say("it is me");
    await (await room.robot()).say("no, me", "Ada");
    await expect(said(page, "it is me").getByRole("img", { name: "verified name" })).toBeVisible();
    await expect(said(page, "no, me").getByText("Ada")).toBeVisible();
    await expect(said(page, "no, me").getByRole("img", { name: "verified name" })).toHaveCount(0);
  });
});

test.describe("a server with short messages", () => {
  test.use({ serverEnv: { MAX_MESSAGE_CHARS: "20" } });

  test("MSG-5 its limit holds before a message is sent", async ({ room }) => {
    const page = await room.join("ada");
    await say(page, "x".repeat(21));
    await expect(page.getByText("a message can have at most 20 characters")).toBeVisible();
    await composer(page).press("Backspace");
    await composer(page).press("Enter");
    await expect(said(page, "x".repeat(20)).getByLabel("Sent")).toBeVisible();
  });
});
