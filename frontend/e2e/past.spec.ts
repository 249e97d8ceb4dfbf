import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { articles, expect, fill, list, said, say, test } from "./room";

// The whole past is kept in a file, far more than the node has in memory.
const folder = mkdtempSync(join(tmpdir(), "past-"));
test.use({ serverEnv: { MESSAGE_RATE: "0", DATA_DIR: folder } });
test.beforeEach(() => rmSync(folder, { recursive: true, force: true }));
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

const newest = (page: Page) => page.getByRole("button", { name: /^Jump to the newest/ });
/** How many new messages the way back counts. */
const counted = async (page: Page) => Number(/(\d+) new/.exec((await newest(page).textContent()) ?? "")?.[1] ?? 0);
const marked = (page: Page) => list(page).locator("li[data-marked]");

/** The path of the link to a message that is mounted. */
async function linkOf(page: Page, text: string): Promise<string> {
  const path = await said(page, text).getByRole("link").getAttribute("href");
  expect(path).toMatch(/at=\d+-\d+$/);
  return path ?? "";
}

/** How far the middle of a message is from the middle of the list, in pixels. */
function fromMiddle(page: Page, text: string): Promise<number> {
  return said(page, text).evaluate((article) => {
    const [row, view] = [article.getBoundingClientRect(), article.closest("section")?.getBoundingClientRect()];
    return Math.abs(row.top + row.height / 2 - ((view?.top ?? 0) + (view?.height ?? 0) / 2));
  });
}

interface Walk {
  /** The numbers of the messages that were mounted. */
  seen: number[];
  /** Where numbers did not follow each other, and where a row jumped by itself. */
  wrong: string[];
  /** The share of steps in which a row moved by less: by the line of an author, which goes when an older page joins its run. */
  shifted: number;
}

/** Scrolls until a message is in view, and looks at each step at what is mounted. */
function walk(page: Page, way: "up" | "down", until: number): Promise<Walk> {
  return list(page).evaluate(
    async (scroller, { sign, last, line }) => {
      const seen = new Set<number>();
      const wrong: string[] = [];
      let [steps, shifts] = [0, 0];
      const frames = async (n: number) => {
        for (let i = 0; i < n; i++) await new Promise(requestAnimationFrame);
      };
      const look = () => {
        const view = scroller.getBoundingClientRect();
        // A row with the focus stays mounted far away.
        const rows = [...scroller.querySelectorAll('li:not([data-index="-1"]) article')].flatMap((article) => {
          const number = /message (\d+) /.exec(article.querySelector("[data-text]")?.textContent ?? "")?.[1];
          const { top, bottom } = article.getBoundingClientRect();
          return number === undefined
            ? []
            : [{ number: Number(number), top, shown: bottom > view.top && top < view.bottom }];
        });
        rows.forEach((row, i) => {
          const before = rows[i - 1];
          if (before && row.number !== before.number + 1) wrong.push(`${row.number} follows ${before.number}`);
          seen.add(row.number);
        });
        return rows.filter(({ shown }) => shown);
      };
      look();
      for (const end = Date.now() + 900_000; Date.now() < end; ) {
        scroller.scrollTop += sign * scroller.clientHeight * 0.8;
        await frames(3);
        const before = look();
        await frames(2);
        const after = look();
        const held = before[Math.floor(before.length / 2)];
        const same = after.find(({ number }) => number === held?.number);
        const moved = held ? Math.abs((same?.top ?? Number.POSITIVE_INFINITY) - held.top) : 0;
        if (moved > line) wrong.push(`${held?.number} moved from ${held?.top} to ${same?.top}`);
        else if (moved > 2) shifts++;
        steps++;
        if (after.some(({ number }) => number === last)) break;
      }
      return { seen: [...seen].sort((a, b) => a - b), wrong, shifted: shifts / steps };
    },
    { sign: way === "up" ? -1 : 1, last: until, line: 24 },
  );
}

test("P13 from a link to the first message and on to the newest, each seen, none twice, and no jump", async ({
  room,
}) => {
  test.setTimeout(1_200_000);
  // More than the page holds of the past: it gives up the other end each way.
  const [linked, total] = [10_200, 10_400];
  const robot = await room.robot();
  await fill(robot, total);
  await expect.poll(() => robot.heard.length).toBe(total);
  const offset = robot.offsets[robot.heard.findIndex((text) => text.startsWith(`message ${linked} `))];
  const ada = await room.visit({ viewport: { width: 1100, height: 2000 } });
  await ada.goto(`${room.siteUrl}/?at=${offset}`);
  await ada.getByLabel("Your name").fill("ada");
  await ada.keyboard.press("Enter");
  await expect(said(ada, `message ${linked} `)).toBeInViewport();
  const up = await walk(ada, "up", 0);
  expect(up.wrong).toEqual([]);
  expect(up.shifted).toBeLessThan(0.02);
  expect(up.seen.slice(0, linked + 1)).toEqual(Array.from({ length: linked + 1 }, (_, i) => i));
  await expect(ada.getByText("This is where the chat begins.")).toBeVisible();
  await robot.say("meanwhile");
  await expect(newest(ada)).toHaveText("Jump to the newest · 1 new message");
  await expect(said(ada, "meanwhile")).toHaveCount(0);
  const down = await walk(ada, "down", total - 1);
  expect(down.wrong).toEqual([]);
  expect(down.shifted).toBeLessThan(0.02);
  expect(down.seen).toEqual(Array.from({ length: total }, (_, i) => i));
  await expect(async () => {
    await list(ada).evaluate((scroller) => scroller.scrollTo(0, scroller.scrollHeight));
    await expect(said(ada, "meanwhile")).toBeInViewport({ timeout: 500 });
  }).toPass();
  await robot.say("the end is followed again");
  await expect(said(ada, "the end is followed again")).toBeInViewport();
  expect(await articles(ada).count()).toBeLessThan(120);
});

test("P13 a link leads to a message in the middle, both ways on, and back to the newest", async ({ room }) => {
  test.setTimeout(240_000);
  const robot = await room.robot();
  await fill(robot, 1500);
  const eve = await room.join("eve", { viewport: { width: 1100, height: 800 } });
  await walk(eve, "up", 700);
  const path = await linkOf(eve, "message 700 ");
  const ada = await room.visit({ viewport: { width: 1100, height: 800 } });
  await ada.goto(room.siteUrl + path);
  await ada.getByLabel("Your name").fill("ada");
  await ada.keyboard.press("Enter");
  await expect(said(ada, "message 700 ")).toBeInViewport({ ratio: 1 });
  await expect(marked(ada)).toContainText("message 700 ");
  await expect(said(ada, "message 700 ")).toBeFocused();
  await expect.poll(() => fromMiddle(ada, "message 700 ")).toBeLessThan(3);
  await expect(marked(ada)).toHaveCount(0);
  // Of a page that is slow at its start, the history may count as news.
  const before = await counted(ada);
  // What comes meanwhile is counted, not shown in the wrong place, and not the past is read out.
  await robot.say("news one");
  await robot.say("news two");
  await expect.poll(() => counted(ada)).toBe(before + 2);
  await expect(said(ada, "news")).toHaveCount(0);
  await expect(ada.getByRole("log")).toContainText("robot: news two");
  await expect(ada.getByRole("log")).not.toContainText("message 7");
  await expect.poll(() => fromMiddle(ada, "message 700 ")).toBeLessThan(3);
  const up = await walk(ada, "up", 500);
  const down = await walk(ada, "down", 1499);
  expect([...up.wrong, ...down.wrong]).toEqual([]);
  expect(down.seen.slice(-1000)).toEqual(Array.from({ length: 1000 }, (_, i) => 500 + i));
  // The link again, and the way back.
  await ada.goBack().catch(() => {});
  await ada.goto(room.siteUrl + path);
  await expect(said(ada, "message 700 ")).toBeInViewport({ ratio: 1 });
  await newest(ada).click();
  await expect(said(ada, "news two")).toBeInViewport();
  await expect(newest(ada)).toHaveCount(0);
  expect(new URL(ada.url()).search).toBe("");
  // An own message leads back as well.
  await ada.goto(room.siteUrl + path);
  await expect(said(ada, "message 700 ")).toBeInViewport({ ratio: 1 });
  await say(ada, "from the past");
  await expect(said(ada, "from the past")).toBeInViewport();
});

test("a link in the page works by touch, and over a node that goes away", async ({ room }) => {
  const robot = await room.robot();
  await fill(robot, 600);
  const ada = await room.join("ada", { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });
  await expect(said(ada, "message 599 ")).toBeInViewport();
  // The last of a run shows its time without being asked.
  await said(ada, "message 599 ").getByRole("link").tap();
  await expect(marked(ada)).toContainText("message 599 ");
  const path = await linkOf(ada, "message 599 ");
  expect(ada.url()).toBe(room.siteUrl + path);
  await robot.say("after the link");
  await expect(said(ada, "message 599 ")).toBeInViewport();
  await walk(ada, "up", 100);
  const far = await linkOf(ada, "message 100 ");
  await room.server.end("SIGKILL");
  await ada.goto(room.siteUrl + far);
  await expect(ada.getByText("Looking for the message…")).toBeVisible();
  await room.server.start();
  await expect(said(ada, "message 100 ")).toBeInViewport({ ratio: 1 });
  await expect(ada.getByText("Looking for the message…")).toHaveCount(0);
  await newest(ada).tap();
  await expect(said(ada, "after the link")).toBeInViewport();
});

for (const [name, query, words] of [
  ["a message that is no longer kept", "?at=1500000000000-0", "older than all that this room keeps"],
  ["a message of the future", "?at=9999999999999-0", "There is no such message in this room."],
  ["a place that no server has", "?at=99999999999999999999-0", "This link leads to no message"],
  ["no place", "?at=%3Cscript%3E", "This link leads to no message"],
] as const) {
  test(`a link to ${name} says so and shows the newest messages`, async ({ room }) => {
    const robot = await room.robot();
    await fill(robot, 150);
    const ada = await room.visit({ viewport: { width: 1100, height: 800 } });
    await ada.goto(`${room.siteUrl}/${query}`);
    await ada.getByLabel("Your name").fill("ada");
    await ada.keyboard.press("Enter");
    const note = ada.getByText(words);
    await expect(note).toBeVisible();
    await expect(said(ada, "message 149 ")).toBeInViewport();
    await robot.say("one more");
    await expect(said(ada, "one more")).toBeInViewport();
    await ada.getByRole("button", { name: "Close this note" }).click();
    await expect(note).toHaveCount(0);
    expect(new URL(ada.url()).search).toBe("");
  });
}
