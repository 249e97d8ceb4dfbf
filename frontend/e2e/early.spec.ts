import { badge, composer, expect, holdScripts, said, say, test } from "./room";

/*
 * What is done to a page that is seen, and has not come alive yet.
 */

test("a name that is entered before the page comes alive is taken, and nothing is loaded again", async ({ room }) => {
  for (const send of ["Enter", "the button"]) {
    const page = await room.visit();
    const release = await holdScripts(page);
    const documents: string[] = [];
    page.on("request", (request) => request.isNavigationRequest() && documents.push(request.url()));
    await page.getByLabel("Your name").pressSequentially("ada");
    if (send === "Enter") await page.keyboard.press("Enter");
    else await page.getByRole("button", { name: "Join the room" }).click();
    await expect(page.getByRole("button", { name: "Join the room" })).toHaveCSS("cursor", "progress");
    release();
    await expect(badge(page)).toHaveText("Live");
    expect(page.url()).toBe(`${room.siteUrl}/`);
    expect(documents).toEqual([]);
    await say(page, `by ${send}`);
    await expect(said(page, `by ${send}`).locator("bdi")).toHaveText("ada");
    await page.context().close();
  }
});

test("a name that is typed before the page comes alive, and not entered, is kept", async ({ room }) => {
  const page = await room.visit();
  const release = await holdScripts(page);
  await page.getByLabel("Your name").pressSequentially("ad");
  release();
  await expect(page.getByText("Nobody else is here yet.")).toBeVisible();
  await page.keyboard.type("a");
  await expect(page.getByLabel("Your name")).toHaveValue("ada");
});

test("a name that is entered too early and cannot be taken is explained", async ({ room }) => {
  const page = await room.visit();
  const release = await holdScripts(page);
  await page.getByLabel("Your name").fill("x".repeat(65));
  await page.keyboard.press("Enter");
  release();
  await expect(page.getByText("A name can have at most 64 characters.")).toBeVisible();
  await expect(page.getByLabel("Your name")).toHaveValue("x".repeat(65));
});

test("an Enter before the remembered name is shown says nothing in that name", async ({ room }) => {
  const page = await (await room.join("ada")).context().newPage();
  const release = await holdScripts(page, room.siteUrl);
  await page.getByLabel("Your name").press("Enter");
  release();
  await expect(page.getByLabel("Your name")).toHaveValue("ada");
  await page.getByLabel("Your name").press("Enter");
  await expect(composer(page)).toBeFocused();
});

test("a room that does not come at first is asked for again", async ({ room }) => {
  const page = await room.visit();
  const html = await (await page.request.get(room.siteUrl)).text();
  const refused: string[] = [];
  await page.route(/\.js(\?|$)/, (route) => {
    const { pathname } = new URL(route.request().url());
    if (html.includes(pathname) || refused.length === 5) return route.continue();
    refused.push(pathname);
    return route.abort();
  });
  await page.reload();
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("region", { name: "Chat" })).toHaveAttribute("aria-busy", "true");
  await expect(badge(page)).toHaveText("Live");
  expect(refused).toHaveLength(5);
  await say(page, "hello");
  await expect(said(page, "hello").getByLabel("Sent")).toBeVisible();
});
