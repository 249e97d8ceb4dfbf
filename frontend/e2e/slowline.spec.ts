import type { Page } from "@playwright/test";
import { composer, expect, type Room, test } from "./room";

/*
 * The first page over a slow line: 400 ms and 50 kB/s, which people call slow 3G.
 */

test("on a slow line the form is there, then alive, and only then the room loads", async ({ room }, info) => {
  test.setTimeout(180_000);
  const loads: Load[] = [];
  for (let i = 0; i < 3; i++) loads.push(await load(room));
  const report = (["painted", "alive", "room"] as const)
    .map((what) => `${what} after ${(middle(loads.map((times) => times[what])) / 1000).toFixed(1)} s`)
    .join(", ");
  info.annotations.push({ type: "slow line", description: report });
  console.log(`    ${report}`);
  for (const { painted, alive, room: loaded } of loads) {
    expect(painted).toBeLessThan(alive);
    expect(alive).toBeLessThan(loaded);
  }
});

/** Milliseconds from the request for the page: its largest part is painted, the form reacts, the room is there. */
interface Load {
  painted: number;
  alive: number;
  room: number;
}

async function load({ visit, siteUrl }: Room): Promise<Load> {
  const page = await visit();
  await page.goto("about:blank");
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.clearBrowserCache");
  const throughput = 50_000;
  await devtools.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 400,
    downloadThroughput: throughput,
    uploadThroughput: throughput,
  });
  await page.addInitScript(watch);
  await page.goto(siteUrl, { waitUntil: "commit" });
  await expect.poll(async () => (await times(page)).alive, { timeout: 50_000 }).toBeDefined();
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await composer(page).waitFor({ timeout: 50_000 });
  const found = await times(page);
  await page.context().close();
  return found;
}

const times = (page: Page): Promise<Load> => page.evaluate(() => (window as unknown as { times: Load }).times);

/** Runs in the page, before everything else. React hangs its properties on the elements that it has made alive. */
function watch(): void {
  const found: Partial<Load> = {};
  Object.assign(window, { times: found });
  new PerformanceObserver((entries) => {
    // What is painted later belongs to the room.
    for (const { startTime } of entries.getEntries()) if (found.alive === undefined) found.painted = startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  const look = () => {
    const form = document.querySelector("form");
    if (form && Object.keys(form).some((key) => key.startsWith("__reactProps"))) found.alive ??= performance.now();
    if (document.querySelector("textarea")) found.room ??= performance.now();
    requestAnimationFrame(look);
  };
  look();
}

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
