import { badge, composer, expect, holdScripts, said, say, test } from "./room";

/*
 * Input on a page that is visible and not hydrated yet.
 */

test("a name that is sent before hydration is taken without another load", async ({ room }) => {
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

test("a name that is typed before hydration and not sent is kept", async ({ room }) => {
  const page = await room.visit();
  const release = await holdScripts(page);
  await page.getByLabel("Your name").pressSequentially("ad");
  release();
  await expect(page.getByText("Nobody else is here yet.")).toBeVisible();
  await page.keyboard.type("a");
  await expect(page.getByLabel("Your name")).toHaveValue("ada");
});

test("a bad name that is sent before hydration is explained", async ({ room }) => {
  const page = await room.visit();
  const release = await holdScripts(page);
  await page.getByLabel("Your name").fill("x".repeat(65));
  await page.keyboard.press("Enter");
  release();
  await expect(page.getByText("A name can have at most 64 characters.")).toBeVisible();
  await expect(page.getByLabel("Your name")).toHaveValue("x".repeat(65));
});

test("an Enter before the remembered name is shown does not join with that name", async ({ room }) => {
  const page = await (await room.join("ada")).context().newPage();
  const release = await holdScripts(page, room.siteUrl);
  await page.getByLabel("Your name").press("Enter");
  release();
  await expect(page.getByLabel("Your name")).toHaveValue("ada");
  await page.getByLabel("Your name").press("Enter");
  await expect(composer(page)).toBeFocused();
});

test("the scripts of the room are requested again after a failure", async ({ room }) => {
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
