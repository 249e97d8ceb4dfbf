import type { Page } from "@playwright/test";
import { articles, expect, goUp, list, type Robot, said, test } from "./room";

test.describe("at 100 messages a second", () => {
  test.use({ serverEnv: { MESSAGE_RATE: "0" } });

  test("new messages cost the same, however many are held", async ({ room }, info) => {
    test.setTimeout(240_000);
    const robot = await room.robot();
    const ada = await room.join("ada", { viewport: { width: 1100, height: 800 } });
    await fill(robot, ada, 0, 500);
    const short = await cost(robot, ada);
    await fill(robot, ada, 500, 10_000);
    const long = await cost(robot, ada);
    await goUp(ada, 3000);
    const up = await cost(robot, ada);
    const report = Object.entries({ "at 500 held": short, "at 10,000": long, "further up at 10,000": up })
      .map(([what, c]) => `${what}: ${c.script} ms of script a second, p95 frame ${c.p95} ms, ${c.tasks} long tasks`)
      .join("; ");
    info.annotations.push({ type: "cost", description: report });
    console.log(`    ${report}`);
    await expect.poll(() => articles(ada).count()).toBeLessThanOrEqual(60);
    // Times differ by half; ten times the work would show.
    for (const { script } of [long, up]) expect(script).toBeLessThan(2 * short.script + 50);
  });
});

async function fill(robot: Robot, page: Page, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i += 250) {
    const batch = Array.from({ length: Math.min(250, to - i) }, (_, n) => i + n);
    await Promise.all(batch.map((n) => robot.say(`message ${n} ${"and some more words ".repeat(n % 7)}.`)));
  }
  await expect(said(page, `message ${to - 1} `)).toBeInViewport();
}

interface Cost {
  /** Milliseconds of script in a second with a hundred messages. */
  script: number;
  /** The 95th percentile of the frame times, in milliseconds. */
  p95: number;
  /** How many tasks of 50 ms or more there were in four seconds. */
  tasks: number;
}

async function cost(robot: Robot, page: Page): Promise<Cost> {
  const devtools = await page.context().newCDPSession(page);
  // Processor time: other programs on a busy machine do not count.
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const script = async () => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    return 1000 * (metrics.find(({ name }) => name === "ScriptDuration")?.value ?? Number.NaN);
  };
  const measured = list(page).evaluate(
    () =>
      new Promise<{ frames: number[]; tasks: number }>((resolve) => {
        let tasks = 0;
        const observer = new PerformanceObserver((entries) => {
          tasks += entries.getEntries().length;
        });
        observer.observe({ type: "longtask" });
        const frames: number[] = [];
        const begin = performance.now();
        let before = begin;
        const step = (now: number) => {
          frames.push(now - before);
          before = now;
          if (now - begin < 4000) {
            requestAnimationFrame(step);
            return;
          }
          observer.disconnect();
          resolve({ frames: frames.sort((a, b) => a - b), tasks });
        };
        requestAnimationFrame(step);
      }),
  );
  const before = await script();
  const told: Promise<void>[] = [];
  const timer = setInterval(() => told.push(robot.say(`busy ${told.length} .`)), 10);
  const { frames, tasks } = await measured;
  const after = await script();
  clearInterval(timer);
  await Promise.all(told);
  const hundreds = told.length / 100;
  return {
    script: Math.round((after - before) / hundreds),
    p95: Math.round(frames[Math.floor(0.95 * (frames.length - 1))] ?? 0),
    tasks,
  };
}
