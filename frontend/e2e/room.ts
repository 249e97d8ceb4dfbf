import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  test as base,
  chromium,
  expect,
  type Page,
} from "@playwright/test";
import { io, type Socket } from "socket.io-client";
import { serverHost, siteFolder } from "./build";
import { Chatd, freePort } from "./processes";
import { serveSite } from "./site";

const chromiumArgs = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-quic",
  "--no-first-run",
  "--disable-component-update",
  "--disable-sync",
];

/** The fixture of a test: a server, browsers that reach it, and people who join. All end with the test. */
export interface Room {
  siteUrl: string;
  server: Chatd;
  /** Another server on a free port, not started yet. */
  newServer(env: Record<string, string>): Promise<Chatd>;
  /** Opens the page of a room, or of the global one, in a browser of its own. */
  visit(options?: BrowserContextOptions, server?: Chatd, name?: string): Promise<Page>;
  /** Opens the page, joins with a username and waits for a live connection. */
  join(username: string, options?: BrowserContextOptions, server?: Chatd, name?: string): Promise<Page>;
  /** A client without a page, in a room or in the global one: a guest, or whom a token names. */
  robot(name?: string, token?: string): Promise<Robot>;
}

export interface Robot {
  /** The texts of all messages it has received, in order. */
  heard: string[];
  /** The authors of these messages. */
  authors: string[];
  /** The offsets of these messages. */
  offsets: string[];
  say(text: string, username?: string): Promise<void>;
  leave(): void;
}

interface Options {
  serverEnv: Record<string, string>;
}

export const test = base.extend<Options & { room: Room }>({
  serverEnv: [{}, { option: true }],
  room: async ({ serverEnv }, use) => {
    const ends: (() => Promise<void>)[] = [];
    const errors: Error[] = [];
    const site = await serveSite(siteFolder, 0);
    ends.push(site.close);
    const newServer = async (env: Record<string, string>) => {
      const server = new Chatd(await freePort(), env);
      ends.push(() => server.end("SIGKILL"));
      return server;
    };
    const server = await newServer(serverEnv);
    await server.start();
    const browsers = new Map<Chatd, Browser>();
    const visit = async (options: BrowserContextOptions = {}, to = server, name?: string) => {
      const browser = browsers.get(to) ?? (await launch(to.port));
      if (!browsers.has(to)) ends.push(() => browser.close());
      browsers.set(to, browser);
      // A worker would answer requests before the tests can change them.
      const context = await browser.newContext({ serviceWorkers: "block", ...options });
      const page = await context.newPage();
      page.on("pageerror", (error) => errors.push(error));
      await page.goto(name ? `${site.url}/?room=${name}` : site.url);
      return page;
    };
    const join = async (username: string, options: BrowserContextOptions = {}, to = server, name?: string) => {
      const page = await visit(options, to, name);
      await page.getByLabel("Your name").fill(username);
      await page.keyboard.press("Enter");
      await expect(badge(page)).toHaveText("Live");
      return page;
    };
    const robot = async (name?: string, token?: string) => {
      const socket = io(`http://127.0.0.1:${server.port}${name ? `/rooms/${name}` : ""}`, {
        transports: ["websocket"],
        forceNew: true,
        auth: { token },
      });
      ends.push(async () => void socket.disconnect());
      return connected(socket);
    };
    await use({ siteUrl: site.url, server, newServer, visit, join, robot });
    // Last started, first ended. A failure does not keep the others running.
    for (const end of ends.reverse()) await end().catch((error: Error) => errors.push(error));
    expect(errors).toEqual([]);
  },
});

function launch(port: number): Promise<Browser> {
  const rules = `--host-resolver-rules=MAP ${serverHost} 127.0.0.1:${port}`;
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: [...chromiumArgs, rules] });
}

async function connected(socket: Socket): Promise<Robot> {
  const heard: string[] = [];
  const authors: string[] = [];
  const offsets: string[] = [];
  socket.on("message", ({ message, from }: { message: string; from: string }, offset: string) => {
    heard.push(message);
    authors.push(from);
    offsets.push(offset);
  });
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  const say = async (message: string, username = "robot") => {
    const answer = await socket.timeout(10_000).emitWithAck("event:message", { message, username });
    if (answer.status !== "ok") throw new Error(JSON.stringify(answer));
  };
  return { heard, authors, offsets, say, leave: () => void socket.disconnect() };
}

/*
 * What people see and do.
 */

export const badge = (page: Page) => page.getByRole("status");
export const composer = (page: Page) => page.getByRole("textbox", { name: "Message" });
export const articles = (page: Page) => page.getByRole("article");
export const list = (page: Page) => page.getByRole("region", { name: "Messages" });
export const said = (page: Page, text: string) => articles(page).filter({ hasText: text });

/** The texts of the messages on the page, from top to bottom. */
export const texts = (page: Page) => articles(page).locator("[dir=auto]").allInnerTexts();

export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await send(page);
}

/** Sends the text of the input in the way of the device. */
export async function send(page: Page): Promise<void> {
  const touch = await page.evaluate(() => matchMedia("(pointer: coarse)").matches);
  if (touch) await page.getByRole("button", { name: "Send" }).tap();
  else await composer(page).press("Enter");
}

export const countdown = (page: Page) => page.getByText(/Next try in [1-9]\d* s/);

/**
 * Lets attempts fail until the next one is a while away, then stops the clock of the page, so that the page cannot be
 * faster than the test. The clock must be installed.
 */
export async function stopTimeInLongCountdown(page: Page): Promise<void> {
  await expect(async () => {
    const seconds = Number(/\d+/.exec((await countdown(page).textContent({ timeout: 2000 })) ?? "")?.[0]);
    if (seconds < 5) await page.clock.fastForward(seconds * 1000);
    expect(seconds).toBeGreaterThanOrEqual(5);
    // Fails if that moment has passed meanwhile.
    await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1000);
  }).toPass();
}

/** Reports to the page that its window is covered or visible again. */
export function setSeen(page: Page, seen: boolean): Promise<void> {
  return page.evaluate(
    (value) => {
      Object.defineProperty(document, "visibilityState", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    },
    seen ? "visible" : "hidden",
  );
}

/** Loads the page and delays its scripts until they are released, like a slow line. */
export async function holdScripts(page: Page, url = page.url()): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(/\.js(\?|$)/, async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(url, { waitUntil: "commit" });
  await page.getByRole("heading", { name: "Chat" }).waitFor();
  return release;
}

export { expect };

/** Reads until two readings in a row are the same: rows are measured after they are shown. */
export async function settled<T>(read: () => Promise<T>): Promise<T> {
  let value = await read();
  await expect(async () => {
    const before = value;
    value = await read();
    expect<unknown>(value).toEqual(before);
  }).toPass();
  return value;
}

/** Pages that open from now on may notify, and keep the words of their notifications in `window.shown`. */
export async function recordNotifications(pages: Page | BrowserContext): Promise<void> {
  await pages.addInitScript(() => {
    const shown: string[] = [];
    class Recorder {
      static permission = "granted";
      static requestPermission = async () => "granted";
      constructor(title: string, { body }: { body: string }) {
        shown.push(`${title}: ${body}`);
      }
    }
    Object.assign(window, { Notification: Recorder, shown });
  });
}

/** Scrolls up until the list has noticed: to its beginning, or by a distance from its end. */
export async function goUp(page: Page, by = Number.POSITIVE_INFINITY): Promise<void> {
  await expect(async () => {
    await list(page).evaluate((scroller, way) => {
      const end = scroller.scrollHeight - scroller.clientHeight;
      scroller.scrollTo(0, Math.max(end - way, 0));
    }, by);
    await expect(page.getByRole("button", { name: /Newest|new message/ })).toBeVisible({ timeout: 300 });
  }).toPass();
}

export async function fill(robot: Robot, count: number): Promise<void> {
  for (let i = 0; i < count; i += 250) {
    const batch = Array.from({ length: Math.min(250, count - i) }, (_, n) => i + n);
    await Promise.all(batch.map((n) => robot.say(`message ${n} ${"and some more words ".repeat(n % 7)}.`)));
  }
}

/** How far the list is from its end, in pixels. */
export const fromEnd = (page: Page) =>
  list(page).evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
