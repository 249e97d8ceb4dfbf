import type { Page } from "@playwright/test";
import { badge, composer, expect, goUp, type Room, said, settled, test } from "./room";

interface Motion {
  name: string;
  /** The duration of all iterations, in ms. */
  lasts: number;
}

/** Records all animations and transitions of the page from its next load on, also short ones. */
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

/** Joins the room and sets everything in motion: rows arrive, the pill rises, somebody types, the settings open. */
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

test("reduced motion means no motion, in the form and in the room", async ({ room }) => {
  const page = await room.visit({ reducedMotion: "reduce" });
  const motions = await watchMotion(page);
  await expect.poll(() => running(page)).toBe(0);
  await stir(room, page);
  // A millisecond instead of none: the end of an animation is still reported.
  expect((await motions()).filter(({ lasts }) => lasts > 1)).toEqual([]);
  await expect.poll(() => running(page)).toBe(0);
});

test("without that preference the same things move", async ({ room }) => {
  const page = await room.visit();
  const motions = await watchMotion(page);
  await stir(room, page);
  const moved = async (name: string) => (await motions()).some((m) => m.name.includes(name) && m.lasts >= 100);
  // The last one is the transition of a switch.
  for (const name of ["arrive", "rise", "hop", "open", "drift", "transform"]) {
    await expect.poll(() => moved(name), name).toBe(true);
  }
  await expect.poll(() => running(page)).toBeGreaterThan(0);
});

interface Shift {
  at: number;
  value: number;
}

const sum = (shifts: Shift[]) => shifts.reduce((total, { value }) => total + value, 0);

/**
 * Every layout shift since the page began, except after a key or a touch. The browser reports with a delay, so this
 * moves something on purpose at the end: once that shift is reported, the earlier ones are too.
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

test("nothing shifts during hydration", async ({ room }) => {
  const page = await room.visit();
  await expect(page.getByText("Nobody else is here yet.")).toBeVisible();
  expect(sum(await shiftsSoFar(page))).toBeLessThan(0.02);
});

for (const width of [1280, 390]) {
  test(`nothing shifts when the history arrives, ${width} px wide`, async ({ room }) => {
    const robot = await room.robot();
    for (let i = 0; i < 60; i++) await robot.say(`message ${i} .`);
    // Not a phone: its browser does not count shifts while it finds its scale.
    const page = await room.join("ada", { viewport: { width, height: 844 } });
    // Once more without keys: the browser does not count shifts after a key.
    await page.reload();
    await expect(badge(page)).toHaveText("Live");
    await expect(said(page, "message 59 .")).toBeInViewport();
    expect(sum(await shiftsSoFar(page))).toBeLessThan(0.02);
  });
}

for (const width of [1280, 390]) {
  test(`a banner that comes and goes shifts nothing, ${width} px wide`, async ({ room }) => {
    const robot = await room.robot();
    for (let i = 0; i < 60; i++) await robot.say(`message ${i} .`);
    const page = await room.join("ada", { viewport: { width, height: 844 } });
    await page.reload();
    await expect(badge(page)).toHaveText("Live");
    // Further up, where a push of the list would show.
    await expect(said(page, "message 59 .")).toBeInViewport();
    await goUp(page, 300);
    const row = said(page, "message 48 .");
    await expect(row).toBeInViewport({ ratio: 1 });
    const place = await settled(() => row.boundingBox());
    await page.context().setOffline(true);
    await expect(page.getByText("You are offline.")).toBeVisible();
    await expect.poll(() => row.boundingBox()).toEqual(place);
    // Two attempts fail.
    for (const next of [2, 3]) await expect(page.getByText(`Next try in ${next} s`)).toBeVisible();
    await page.context().setOffline(false);
    await expect(badge(page)).toHaveText("Live");
    await expect(page.getByText("You are offline.")).not.toBeInViewport();
    await expect.poll(() => row.boundingBox()).toEqual(place);
    expect(sum(await shiftsSoFar(page))).toBeLessThan(0.02);
  });
}
