import type { Page } from "@playwright/test";
import { badge, composer, expect, holdScripts, list, type Room, said, say, test, texts } from "./room";

/*
 * Pages that a translator or an extension changes as well.
 */

/** Acts as a browser's translator: replaces each text with two elements. The words stay the same. */
function translate(): void {
  const untouched = "script, style, noscript, textarea, title, font, [translate=no]";
  const swap = (root: Node) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found: Text[] = [];
    while (walker.nextNode()) found.push(walker.currentNode as Text);
    for (const text of found) {
      if (text.data.trim() === "" || text.parentElement?.closest(untouched)) continue;
      const [outer, inner] = [document.createElement("font"), document.createElement("font")];
      inner.textContent = text.data;
      outer.append(inner);
      text.replaceWith(outer);
    }
  };
  const begin = () => {
    swap(document);
    new MutationObserver((changes) => {
      for (const { target } of changes) if (target.isConnected) swap(target);
    }).observe(document, { childList: true, characterData: true, subtree: true });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
}

/** A page that is translated from its beginning. */
async function visitTranslated(room: Room): Promise<Page> {
  const page = await room.visit();
  await page.addInitScript(translate);
  await page.reload();
  await expect(page.locator("font").first()).toBeAttached();
  return page;
}

async function enter(page: Page, name: string): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await page.keyboard.press("Enter");
  await expect(badge(page)).toHaveText("Live");
}

test("a translated page keeps working and shows the current state", async ({ room }) => {
  const page = await visitTranslated(room);
  await expect(page.getByText("Nobody else is here yet.")).toBeVisible();
  const bob = await room.join("bob");
  await expect(page.getByText("One other person is here.")).toBeVisible();
  await enter(page, "ada");
  await say(page, `see https://example.com ${"and more ".repeat(200)}`);
  await expect(said(page, "see").getByLabel("Sent")).toBeVisible();
  await said(page, "see").getByRole("button", { name: "Show all" }).click();

  const carl = await room.join("carl");
  const typing = page.getByTestId("typing");
  await composer(bob).pressSequentially("hm");
  await expect(typing).toHaveText("bob is typing");
  await composer(carl).pressSequentially("well");
  await expect(typing).toHaveText("bob and carl are typing");
  await say(bob, "hello ada");
  await say(carl, "hello both");
  await expect(typing).toHaveText("");
  await expect(page.getByText("3 online")).toBeVisible();

  await room.server.end("SIGKILL");
  await expect(badge(page)).toHaveText("Offline");
  await expect(page.getByText("The server cannot be reached.")).toBeVisible();
  await expect(page.getByText(/Next try in \d+ s/)).toBeVisible();
  await say(page, "written meanwhile");
  await room.server.start();
  await expect(badge(page)).toHaveText("Live", { timeout: 30_000 });
  await expect(page.getByText(/Next try|cannot be reached/)).toHaveCount(0);
  await expect(said(page, "written meanwhile").getByLabel("Sent")).toBeVisible();
  await page.getByRole("button", { name: "Load missed" }).click();
  await expect(page.getByText("The server no longer keeps them.")).toBeVisible();

  await page.getByRole("button", { name: /Settings/ }).click();
  await page.getByRole("dialog").getByRole("textbox").fill("countess");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
  await say(page, "renamed");
  await expect(said(bob, "renamed")).toBeVisible({ timeout: 30_000 });
});

test("a page that is translated before hydration takes the name that was typed before", async ({ room }) => {
  const page = await room.visit();
  await page.addInitScript(translate);
  const release = await holdScripts(page);
  await page.getByLabel("Your name").pressSequentially("ada");
  await expect(page.locator("font").first()).toBeAttached();
  await page.keyboard.press("Enter");
  release();
  await expect(badge(page)).toHaveText("Live");
  await say(page, "hello");
  await expect(said(page, "hello").locator("bdi")).toHaveText("ada");
});

/** The text nodes that React keeps: it would look for them beside other nodes. They carry React's mark. */
function looseTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const loose: string[] = [];
    while (walker.nextNode()) {
      const { currentNode } = walker;
      if (Object.keys(currentNode).some((key) => key.startsWith("__reactFiber$")))
        loose.push(String(currentNode.nodeValue));
    }
    return loose;
  });
}

test("React keeps no text node", async ({ room }) => {
  const page = await room.visit();
  await expect(page.getByText("Nobody else is here yet.")).toBeVisible();
  expect(await looseTexts(page)).toEqual([]);
  await enter(page, "ada");
  const robot = await room.robot();
  for (let i = 0; i < 40; i++) await robot.say(`message ${i} www.example.com and more`);
  await say(page, "x ".repeat(1000));
  await expect(page.getByRole("button", { name: "Show all" })).toBeVisible();
  const [bob, carl] = [await room.join("bob"), await room.join("carl")];
  for (const other of [bob, carl]) await composer(other).pressSequentially("hm");
  await expect(page.getByText("bob and carl are typing")).toBeVisible();
  await list(page).hover();
  await page.mouse.wheel(0, -600); // not by program: only hands leave the end for certain while the list changes
  await expect(page.getByRole("button", { name: "Newest" })).toBeVisible();
  await robot.say("news");
  await expect(page.getByRole("button", { name: "1 new message" })).toBeVisible();
  await page.getByRole("button", { name: /Settings/ }).click();
  expect(await looseTexts(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await room.server.end("SIGKILL");
  await say(page, "into the void");
  await expect(page.getByText(/Next try in \d+ s/)).toBeVisible();
  expect(await looseTexts(page)).toEqual([]);
  // The search would find such a node.
  await page.evaluate(() => Object.assign(document.querySelector("bdi")?.firstChild ?? {}, { __reactFiber$x: {} }));
  expect(await looseTexts(page)).toHaveLength(1);
});

for (const part of ["a part of the page", "the whole of it"]) {
  test(`when something moved ${part}, the page offers a reload and loses no text`, async ({ room }) => {
    const [page, bob] = [await room.join("ada"), await room.join("bob")];
    await page.context().setOffline(true);
    await expect(page.getByText(/Next try in \d+ s/)).toBeVisible();
    await say(page, "written offline");
    await composer(page).fill("not sent yet");
    await page.evaluate((whole) => {
      const extension = document.body.appendChild(document.createElement("div"));
      for (const gone of document.querySelectorAll("[data-state=offline] > div")) extension.append(gone);
      if (whole) extension.append(document.querySelector("main") ?? "");
    }, part === "the whole of it");
    await page.context().setOffline(false);
    await expect(page.getByRole("heading", { name: "This page stopped working." })).toBeVisible();
    // The connection does not depend on the drawing.
    await expect(said(bob, "written offline")).toBeVisible();
    await page.getByRole("button", { name: "Reload" }).click();
    await expect(badge(page)).toHaveText("Live");
    await expect(composer(page)).toHaveValue("not sent yet");
    await expect.poll(() => texts(page)).toEqual(["written offline"]);
  });
}
