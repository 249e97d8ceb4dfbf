import { AxeBuilder } from "@axe-core/playwright";
import type { BrowserContextOptions, Locator, Page } from "@playwright/test";
import { freePort, Redis } from "./processes";
import { badge, composer, expect, list, type Room, said, say, send, test } from "./room";

/** What fades in is pale for a moment. */
async function still(page: Page): Promise<void> {
  await page.evaluate(() =>
    // One that is cut short is over, too.
    Promise.allSettled(document.getAnimations().map((a) => a.effect?.getTiming().iterations === 1 && a.finished)),
  );
}

async function expectAccessible(page: Page): Promise<void> {
  await still(page);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

/** Reads further up, until the list has noticed. */
async function goUp(page: Page): Promise<void> {
  await expect(async () => {
    await list(page).evaluate((scroller) => scroller.scrollTo(0, 0));
    await expect(page.getByRole("button", { name: /Newest|new message/ })).toBeVisible({ timeout: 300 });
  }).toPass();
}

const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing, ${colorScheme}`, async ({ room }) => {
    const form = await room.visit({ colorScheme });
    await expect(form.getByText("Nobody else is here yet.")).toBeVisible();
    await expectAccessible(form);
    await form.getByLabel("Your name").fill("x".repeat(65));
    await form.keyboard.press("Enter");
    await expect(form.getByText("at most 64 characters")).toBeVisible();
    await expectAccessible(form);

    const ada = await room.join("ada", { colorScheme });
    await expect(ada.getByText("It is quiet here.")).toBeVisible();
    await expectAccessible(ada);

    const bob = await room.join("bob", { colorScheme, ...phone });
    await say(bob, "hello https://example.com 👋");
    await say(ada, "hello\nbob");
    await composer(bob).pressSequentially("typing");
    await expect(ada.getByText("bob is typing")).toBeVisible();
    await expectAccessible(ada);
    await expectAccessible(bob);

    await ada.getByRole("button", { name: /Settings/ }).click();
    await expect(ada.getByRole("dialog")).toBeVisible();
    await expectAccessible(ada);
    await ada.keyboard.press("Escape");
    await expect(ada.getByRole("dialog")).toBeHidden();

    await room.server.end("SIGKILL");
    await say(ada, "into the void");
    await expect(badge(ada)).toHaveText("Offline");
    await expectAccessible(ada);
    await expectAccessible(bob);
  });
}

/** What is there only now and then; each has colours and parts of its own. */
for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing in long, many and failed messages, ${colorScheme}`, async ({ room }) => {
    const redis = new Redis(await freePort());
    await redis.start();
    try {
      const server = await room.newServer({ REDIS_URL: `redis://127.0.0.1:${redis.port}`, APPEND_TIMEOUT: "1s" });
      await server.start();
      const ada = await room.join("ada", { colorScheme, viewport: { width: 1100, height: 600 } }, server);
      const bob = await room.join("bob", { colorScheme, ...phone }, server);
      const pages = [ada, bob];
      for (const page of pages) {
        await say(page, `long ${"and longer ".repeat(200)}`);
        await expect(said(page, "long").getByLabel("Sent")).toBeVisible();
      }
      for (const page of pages) {
        await expect(page.getByRole("button", { name: "Show all" })).toHaveCount(2);
        await expectAccessible(page);
        await composer(page).fill("x".repeat(4001));
        await send(page);
        await expect(page.getByText(/at most 4,000 characters/)).toBeVisible();
        await expectAccessible(page);
        await composer(page).fill("");
      }

      await goUp(ada);
      await say(bob, "news");
      await expect(ada.getByRole("button", { name: /new message/ })).toBeVisible();
      await expectAccessible(ada);

      redis.signal("SIGSTOP");
      for (const page of pages) {
        await say(page, "in the outage");
        await expect(page.getByRole("button", { name: "Retry", exact: true })).toBeVisible();
        await expect(page.getByRole("button", { name: "Remove" })).toBeVisible();
        await expectAccessible(page);
      }
    } finally {
      await redis.end();
    }
  });

  test(`axe finds nothing around a gap, blocked notifications and a wrong address, ${colorScheme}`, async ({
    room,
  }) => {
    const page = await room.join("ada", { colorScheme });
    await say(page, "before");
    await expect(said(page, "before").getByLabel("Sent")).toBeVisible();
    await room.server.end("SIGKILL");
    await expect(badge(page)).toHaveText("Offline");
    await room.server.start();
    await page.evaluate(() => void window.dispatchEvent(new Event("pageshow")));
    await expect(badge(page)).toHaveText("Live");
    await expect(page.getByText("Messages may be missing here.")).toBeVisible();
    await expectAccessible(page);
    await say(page, "after");
    await page.getByRole("button", { name: "Load missed" }).click();
    await expect(page.getByText("The server does not keep them any more.")).toBeVisible();
    await expectAccessible(page);

    await page.evaluate(() => {
      Object.assign(window, { Notification: { requestPermission: async () => "denied" } });
    });
    await page.getByRole("button", { name: /Settings/ }).click();
    await page.getByLabel("Show a notification").click();
    await expect(page.getByRole("dialog").getByRole("alert")).toBeVisible();
    await expectAccessible(page);

    await page.goto(`${room.siteUrl}/nowhere`);
    await expect(page.getByRole("heading", { name: "There is nothing here." })).toBeVisible();
    await expectAccessible(page);
  });

  test(`axe finds nothing while the server wakes, or lets nobody in, ${colorScheme}`, async ({ room }) => {
    const [asleep, strict] = [await room.newServer({}), await room.newServer({ ALLOWED_ORIGINS: "https://a.example" })];
    await Promise.all([asleep.start(), strict.start()]);
    asleep.signal("SIGSTOP");
    for (const [server, words] of [
      [asleep, "The server is waking up."],
      [strict, "The server does not accept connections from this page."],
    ] as const) {
      const page = await room.visit({ colorScheme }, server);
      await expect(page.getByText(words)).toBeVisible();
      await expectAccessible(page);
      await page.getByLabel("Your name").fill("ada");
      await page.keyboard.press("Enter");
      await expect(page.getByText(words)).toBeVisible();
      await expectAccessible(page);
    }
  });

  test(`text on a gradient has contrast, which axe cannot tell, ${colorScheme}`, async ({ room }) => {
    const page = await room.visit({ colorScheme });
    const join = page.getByRole("button", { name: "Join the room" });
    expect(await contrast(join)).toBeGreaterThan(4.5);
    await join.hover();
    await still(page);
    expect(await contrast(join)).toBeGreaterThan(4.5);

    await page.getByLabel("Your name").fill("ada");
    await page.keyboard.press("Enter");
    await expect(badge(page)).toHaveText("Live");
    await say(page, `see https://example.com ${"and more ".repeat(200)}`);
    const own = said(page, "see");
    const parts = [own.locator("[dir=auto]"), own.getByRole("link"), own.getByRole("button"), own.locator("time")];
    await expect(own.getByLabel("Sent")).toBeVisible();
    for (const part of parts) expect(await contrast(part)).toBeGreaterThan(4.5);

    const settings = page.getByRole("button", { name: /Settings/ });
    expect(await contrast(settings.getByText("A", { exact: true }))).toBeGreaterThan(4.5);
    await settings.click();
    await page.getByRole("dialog").getByRole("textbox").fill("countess");
    await still(page);
    expect(await contrast(page.getByRole("button", { name: "Change" }))).toBeGreaterThan(4.5);
    await page.keyboard.press("Escape");
    await composer(page).fill("hello");
    await still(page);
    expect(await contrast(page.getByRole("button", { name: "Send" }))).toBeGreaterThan(4.5);

    // What waits is paler.
    await page.context().setOffline(true);
    await composer(page).press("Enter");
    const waiting = said(page, "hello");
    await expect(waiting.getByLabel("Waiting for a connection")).toBeVisible();
    for (const part of [waiting.locator("[dir=auto]"), waiting.locator("time")]) {
      expect(await contrast(part)).toBeGreaterThan(4.5);
    }

    // Both ends of a gradient count, and what a filter makes of them.
    const bubble = waiting.locator("div").first();
    for (const [backgroundImage, filter, expected] of [
      ["linear-gradient(#000, #fff)", "none", 1],
      ["linear-gradient(#000, #000)", "none", 21],
      ["linear-gradient(#000, #000)", "invert(0.5)", 1],
    ] as const) {
      await bubble.evaluate((element: HTMLElement, change) => void Object.assign(element.style, change), {
        backgroundImage,
        filter,
      });
      expect(await contrast(waiting.locator("[dir=auto]"))).toBeCloseTo(expected);
    }
  });
}

/**
 * The least contrast of a text to the gradient that it stands on, as WCAG reckons it. Nothing between the ends of a
 * gradient is lighter than both, so for light text they are the worst. The canvas knows all ways to write a colour, and
 * what a filter does to it.
 */
function contrast(text: Locator): Promise<number> {
  return text.evaluate((element) => {
    let ground: Element | null = element;
    while (ground && !getComputedStyle(ground).backgroundImage.includes("gradient(")) ground = ground.parentElement;
    if (!ground) throw new Error("There is no gradient behind this.");
    const { backgroundImage, filter } = getComputedStyle(ground);
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    if (!canvas) throw new Error("There is no canvas.");
    canvas.filter = filter;
    const luminance = (color: string) => {
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const channels = Array.from(canvas.getImageData(0, 0, 1, 1).data, (value) => value / 255);
      const [r = 0, g = 0, b = 0] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const front = luminance(getComputedStyle(element).color);
    const ends = backgroundImage.match(/\b[a-z]+\([^()]*\)/g) ?? [];
    return Math.min(...ends.map((end) => ratio(front, luminance(end))));
  });
}

test("all of it works by keyboard", async ({ room }) => {
  const page = await room.visit();
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Your name")).toBeFocused();
  await page.keyboard.type("ada");
  await page.keyboard.press("Enter");
  await expect(composer(page)).toBeFocused();
  await page.keyboard.type("see https://example.com");
  await page.keyboard.press("Enter");
  await expect(said(page, "see")).toBeVisible();
  await page.keyboard.press("Shift+Tab");
  await expect(said(page, "see").getByRole("link")).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await expect(list(page)).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await expect(page.getByRole("button", { name: /Settings/ })).toBeFocused();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await expect(dialog.getByRole("textbox", { name: "Your name" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await expect(dialog.getByLabel("Play a sound")).toBeChecked();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: /Settings/ })).toBeFocused();
});

test("pitfall 8: new messages are told once, politely, and scrolling tells nothing", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 60; i++) await robot.say(`old ${i} .`);
  const ada = await room.join("ada");
  const log = ada.getByRole("log");
  await expect(log).toHaveAttribute("aria-live", "polite");
  await expect(said(ada, "old 59 .")).toBeVisible();
  // What comes in the first second of a page is history.
  await expect(async () => {
    await robot.say("news");
    await expect(log).toContainText("robot: news", { timeout: 200 });
  }).toPass();
  await expect(log).not.toContainText("old");
  const before = await log.textContent();
  await list(ada).evaluate((scroller) => scroller.scrollTo(0, 0));
  await expect(said(ada, "old 5 .")).toBeVisible();
  expect(await log.textContent()).toBe(before);
  await say(ada, "my own words");
  await expect(said(ada, "my own words").getByLabel("Sent")).toBeVisible();
  await expect(log).not.toContainText("my own words");
});

interface Motion {
  name: string;
  /** How long all its rounds take, in ms. */
  lasts: number;
}

/** Remembers all animations and transitions that begin in the page from its next load on, also those that end soon. */
async function watchMotion(page: Page): Promise<() => Promise<Motion[]>> {
  await page.addInitScript(() => {
    const motions: Motion[] = [];
    Object.assign(window, { motions });
    const remember = ({ target }: Event) => {
      for (const animation of (target as Element).getAnimations({ subtree: true })) {
        const name = (animation as CSSAnimation).animationName ?? (animation as CSSTransition).transitionProperty;
        motions.push({ name, lasts: Number(animation.effect?.getComputedTiming().activeDuration) });
      }
    };
    addEventListener("animationstart", remember, true);
    addEventListener("transitionrun", remember, true);
  });
  await page.reload();
  return () => page.evaluate(() => (window as unknown as { motions: Motion[] }).motions);
}

/** Enters the room and does all that moves something there: rows arrive, the pill rises, somebody types, the settings open. */
async function stir(room: Room, page: Page): Promise<void> {
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await expect(badge(page)).toHaveText("Live");
  const robot = await room.robot();
  for (let i = 0; i < 40; i++) await robot.say(`message ${i} .`);
  await expect(said(page, "message 39 .")).toBeInViewport();
  await goUp(page);
  await robot.say("news");
  await expect(page.getByRole("button", { name: /new message/ })).toBeVisible();
  const bob = await room.join("bob");
  await composer(bob).pressSequentially("hm");
  await expect(page.getByText("bob is typing")).toBeVisible();
  await page.getByRole("button", { name: /Settings/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.getByLabel("Play a sound").click();
  await expect(page.getByLabel("Play a sound")).toBeChecked();
}

const running = (page: Page) =>
  page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === "running").length);

test("who wants less motion gets none, in the form and in the room", async ({ room }) => {
  const page = await room.visit({ reducedMotion: "reduce" });
  const motions = await watchMotion(page);
  await expect.poll(() => running(page)).toBe(0);
  await stir(room, page);
  // A millisecond, not nothing: what waits for the end of an animation still hears of it.
  expect((await motions()).filter(({ lasts }) => lasts > 1)).toEqual([]);
  await expect.poll(() => running(page)).toBe(0);
});

test("for all others the same things move", async ({ room }) => {
  const page = await room.visit();
  const motions = await watchMotion(page);
  await stir(room, page);
  const moved = async (name: string) => (await motions()).some((m) => m.name.includes(name) && m.lasts >= 100);
  // The last is that of a switch.
  for (const name of ["arrive", "rise", "hop", "open", "drift", "transform"]) {
    await expect.poll(() => moved(name), name).toBe(true);
  }
  expect(await running(page)).toBeGreaterThan(0);
});

interface Shift {
  at: number;
  value: number;
}

const sum = (shifts: Shift[]) => shifts.reduce((total, { value }) => total + value, 0);

/**
 * All that moved by itself since the page began; what follows a key or a touch does not count. The browser tells some
 * time later, so at the end something is moved on purpose: once that is counted, so is what was before, and it is proven
 * that something would be.
 */
async function shiftsSoFar(page: Page): Promise<Shift[]> {
  await page.evaluate(() => {
    const shifts: Shift[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
        if (!entry.hadRecentInput) shifts.push({ at: entry.startTime, value: entry.value });
      }
    });
    observer.observe({ type: "layout-shift", buffered: true });
    Object.assign(window, { shifts });
  });
  const moved = await page.getByRole("main").evaluate((main: HTMLElement) => {
    main.style.marginTop = "150px";
    return performance.now();
  });
  const counted = () => page.evaluate(() => (window as unknown as { shifts: Shift[] }).shifts);
  await expect.poll(async () => sum((await counted()).filter(({ at }) => at >= moved))).toBeGreaterThan(0.1);
  return (await counted()).filter(({ at }) => at < moved);
}

test("nothing moves while the page comes alive", async ({ room }) => {
  const page = await room.visit();
  await expect(page.getByText("Nobody else is here yet.")).toBeVisible();
  expect(sum(await shiftsSoFar(page))).toBeLessThan(0.02);
});

for (const width of [1280, 390]) {
  test(`nothing moves when the history of the room comes, ${width} px wide`, async ({ room }) => {
    const robot = await room.robot();
    for (let i = 0; i < 60; i++) await robot.say(`message ${i} .`);
    // Not a phone: its browser excuses what moves while it finds its own scale.
    const page = await room.join("ada", { viewport: { width, height: 844 } });
    // Once more, without the keys that would excuse what moves.
    await page.reload();
    await expect(badge(page)).toHaveText("Live");
    await expect(said(page, "message 59 .")).toBeInViewport();
    expect(sum(await shiftsSoFar(page))).toBeLessThan(0.02);
  });
}

for (const width of [1280, 390]) {
  test(`a banner that comes and goes moves nothing, ${width} px wide`, async ({ room }) => {
    const robot = await room.robot();
    for (let i = 0; i < 60; i++) await robot.say(`message ${i} .`);
    const page = await room.join("ada", { viewport: { width, height: 844 } });
    await page.reload();
    await expect(badge(page)).toHaveText("Live");
    // Somewhat further up, where it would show if the list were pushed down.
    await expect(said(page, "message 59 .")).toBeInViewport();
    await list(page).evaluate((scroller) => scroller.scrollBy(0, -300));
    await expect(page.getByRole("button", { name: "Newest" })).toBeVisible();
    const row = said(page, "message 48 .");
    await expect(row).toBeInViewport({ ratio: 1 });
    const place = await row.boundingBox();
    await page.context().setOffline(true);
    await expect(page.getByText("You are offline.")).toBeVisible();
    expect(await row.boundingBox()).toEqual(place);
    // Two attempts that fail.
    for (const next of [2, 3]) await expect(page.getByText(`Next try in ${next} s`)).toBeVisible();
    await page.context().setOffline(false);
    await expect(badge(page)).toHaveText("Live");
    await expect(page.getByText("You are offline.")).not.toBeInViewport();
    expect(await row.boundingBox()).toEqual(place);
    expect(sum(await shiftsSoFar(page))).toBeLessThan(0.02);
  });
}

test("the policy of the page forbids what it should, and nothing that the page does", async ({ room }) => {
  const page = await room.visit();
  const blocked: string[] = [];
  await page.exposeFunction("report", (what: string) => void blocked.push(what));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      (window as unknown as { report(what: string): void }).report(event.violatedDirective),
    );
  });
  await page.reload();
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await say(page, "hello");
  await expect(said(page, "hello").getByLabel("Sent")).toBeVisible();
  expect(blocked).toEqual([]);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.injected = true";
    document.body.append(script);
    void fetch("http://elsewhere.example/").catch(() => {});
  });
  await expect.poll(() => blocked.toSorted()).toEqual(["connect-src", "script-src-elem"]);
  expect(await page.evaluate(() => "injected" in window)).toBe(false);
});
