import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { siteFolder } from "./build";
import { badge, test as base, composer, expect, type Room, said, say } from "./room";
import { serveSite } from "./site";

interface Deployment {
  url: string;
  /** Changes a file of the site. */
  change(path: string, change: (text: string) => string): void;
  /** Another build of the page, with this mark. */
  release(mark: string): void;
  /** The host does not answer requests for the page, or answers all of them with an error. */
  trouble?: "silent" | "error";
}

/** A site of the test's own, which can be built anew. */
const test = base.extend<{ site: Deployment }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants a pattern
  site: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), "site-"));
    cpSync(siteFolder, folder, { recursive: true });
    const site = await serveSite(folder, 0, (path, response) => {
      if (deployment.trouble === "error") response.writeHead(503).end();
      return deployment.trouble === "error" || (deployment.trouble === "silent" && path === "/");
    });
    const change: Deployment["change"] = (path, to) =>
      writeFileSync(join(folder, path), to(readFileSync(join(folder, path), "utf8")));
    const release = (mark: string) => {
      change("index.html", (html) => html.replace(/<html lang="en"[^>]*>/, `<html lang="en" data-release="${mark}">`));
      change("sw.js", (text) => text.replace(/"version":"[^"]*"/, `"version":"${mark}"`));
    };
    const deployment: Deployment = { url: site.url, change, release };
    await use(deployment);
    delete deployment.trouble;
    await site.close();
    rmSync(folder, { recursive: true });
  },
});

/** Opens the site and waits until it is kept. */
async function visit(room: Room, { url }: Deployment): Promise<Page> {
  const page = await room.visit({ serviceWorkers: "allow" });
  await page.goto(url);
  await kept(page);
  return page;
}

/** Waits until the newest worker has kept the page. */
async function kept(page: Page): Promise<void> {
  await expect
    .poll(() =>
      page.evaluate(async () => {
        const known = await navigator.serviceWorker.getRegistration();
        return known?.active?.state === "activated" && !known.installing && !known.waiting;
      }),
    )
    .toBe(true);
}

async function enter(page: Page, name: string): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await page.keyboard.press("Enter");
}

const released = (page: Page) => page.evaluate(() => document.documentElement.dataset.release);
const caches = (page: Page) => page.evaluate(() => window.caches.keys());

test("without a network the page opens, says so, shows what waits, and sends it later", async ({ room, site }) => {
  const page = await visit(room, site);
  await enter(page, "ada");
  await expect(badge(page)).toHaveText("Live");
  await page.context().setOffline(true);
  await expect(badge(page)).toHaveText("Offline");
  await say(page, "from the tunnel");
  await page.reload();
  await expect(badge(page)).toHaveText("Offline");
  await expect(page.getByText("You are offline. Messages will be sent when you are back.")).toBeVisible();
  await expect(said(page, "from the tunnel").getByLabel("Waiting for a connection")).toBeVisible();
  await say(page, "and another");

  // A new tab has the form, in a room too.
  const other = await page.context().newPage();
  await other.goto(`${site.url}/?room=team`);
  await expect(other.getByText("You are offline.")).toBeVisible();
  await enter(other, "grace");
  await expect(composer(other)).toBeVisible();

  await page.context().setOffline(false);
  await expect(badge(page)).toHaveText("Live");
  await expect(said(page, "from the tunnel").getByLabel("Sent")).toBeVisible();
  await expect(said(page, "and another").getByLabel("Sent")).toBeVisible();
});

test("a deployment is seen at once, also by the next page without a network", async ({ room, site }) => {
  const page = await visit(room, site);
  site.release("two");
  await page.reload();
  expect(await released(page)).toBe("two");
  await expect.poll(() => caches(page)).toContain("chat-two");
  await kept(page);
  await page.context().setOffline(true);
  await page.reload();
  expect(await released(page)).toBe("two");
  await expect(page.getByLabel("Your name")).toBeVisible();
  await page.context().setOffline(false);
  // One build is kept for pages that are still open, no more.
  site.release("three");
  await page.reload();
  await expect.poll(() => caches(page)).toEqual(["chat-two", "chat-three"]);
});

test("a page of another build than its files is not kept", async ({ room, site }) => {
  const page = await visit(room, site);
  const before = await caches(page);
  site.release("broken");
  site.change("index.html", (html) => html.replaceAll(/(_next\/static\/chunks\/)(turbopack)/g, "$1x$2"));
  const failed = page.evaluate(() =>
    navigator.serviceWorker.getRegistration().then(async (known) => {
      await known?.update();
      const worker = known?.installing;
      await new Promise((resolve) => worker?.addEventListener("statechange", resolve));
      return worker?.state;
    }),
  );
  expect(await failed).toBe("redundant");
  await page.context().setOffline(true);
  await page.reload();
  expect(await released(page)).toBeUndefined();
  await expect(page.getByText("You are offline.")).toBeVisible();
  expect(await caches(page)).toEqual(expect.arrayContaining(before));
});

test("a page that does not arrive is answered in bounded time, and a host in trouble by the kept page", async ({
  room,
  site,
}) => {
  const page = await visit(room, site);
  for (const trouble of ["error", "silent"] as const) {
    site.trouble = trouble;
    await page.reload();
    await expect(page.getByLabel("Your name")).toBeVisible();
    await expect(page.getByText("Nobody else is here yet.")).toBeVisible();
  }
});

test("the worker can be removed by a build, and leaves nothing", async ({ room, site }) => {
  const page = await visit(room, site);
  expect(await caches(page)).toHaveLength(1);
  const removed = readFileSync(new URL("../worker/removed.js", import.meta.url), "utf8");
  site.change("sw.js", () => removed);
  await page.evaluate(() => navigator.serviceWorker.getRegistration().then((known) => known?.update()));
  await expect.poll(() => caches(page)).toEqual([]);
  await expect
    .poll(() => page.evaluate(() => navigator.serviceWorker.getRegistrations().then(({ length }) => length)))
    .toBe(0);
});

test("a host without the worker, and a browser that blocks workers, have the page as before", async ({
  room,
  site,
}) => {
  site.change("sw.js", () => "throw new Error('no')");
  const page = await room.visit({ serviceWorkers: "allow" });
  await page.addInitScript(() => {
    Object.defineProperty(navigator, "serviceWorker", {
      get() {
        throw new DOMException("no", "SecurityError");
      },
    });
  });
  for (const url of [site.url, room.siteUrl]) {
    await page.goto(url);
    await enter(page, "ada");
    await expect(badge(page)).toHaveText("Live");
  }
});
