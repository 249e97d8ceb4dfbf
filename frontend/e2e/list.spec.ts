import type { Page } from "@playwright/test";
import {
  articles,
  badge,
  composer,
  expect,
  fill,
  fromEnd,
  goUp,
  list,
  type Robot,
  said,
  say,
  settled,
  test,
} from "./room";

/** Rows in the page at once, whatever the length of the list. */
const maxMounted = 60;

test.describe("ten thousand messages", () => {
  test.use({ serverEnv: { MESSAGE_RATE: "0" } });

  test("pitfall 10: few rows are mounted, and the list scrolls from end to end", async ({ room }, info) => {
    test.setTimeout(240_000);
    const ada = await room.join("ada", { viewport: { width: 1100, height: 800 } });
    const robot = await room.robot();
    for (let i = 0; i < 10_000; i += 250) {
      const batch = Array.from(
        { length: 250 },
        (_, n) => `message ${i + n} ${"and some more words ".repeat((i + n) % 7)}`,
      );
      await Promise.all(batch.map((text) => robot.say(text)));
    }
    // It stayed at the end.
    await expect(said(ada, "message 9999 ")).toBeInViewport();
    await expect.poll(() => articles(ada).count()).toBeLessThanOrEqual(maxMounted);

    const { frames, mounted } = await scrollThrough(ada);
    expect(mounted).toBeLessThanOrEqual(maxMounted);
    const sorted = frames.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]?.toFixed(1);
    const report = `${frames.length} frames: median ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms`;
    info.annotations.push({ type: "frame times", description: report });
    console.log(`    10,000 messages, ${report}; at most ${mounted} rows mounted`);
    await expect(said(ada, "message 0 ")).toBeInViewport();

    // An own message brings the reader back to the end.
    await say(ada, "the last one");
    await expect(said(ada, "the last one")).toBeInViewport();
  });
});

/** Scrolls from the end to the beginning, several screens a frame, like a spinning wheel. */
function scrollThrough(page: Page): Promise<{ frames: number[]; mounted: number }> {
  return list(page).evaluate(
    (scroller) =>
      new Promise<{ frames: number[]; mounted: number }>((resolve) => {
        const frames: number[] = [];
        let [mounted, before, still] = [0, performance.now(), 0];
        const step = (now: number) => {
          frames.push(now - before);
          before = now;
          mounted = Math.max(mounted, scroller.querySelectorAll("article").length);
          still = scroller.scrollTop <= 0 ? still + 1 : 0;
          if (still > 5) return resolve({ frames, mounted });
          scroller.scrollTop -= 4000;
          requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
      }),
  );
}

test("earlier messages load on the way up without moving the reader's place", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 260; i++) await robot.say(`message ${i} .`);
  const ada = await room.visit({ viewport: { width: 1100, height: 800 } });
  const asked: unknown[] = [];
  ada.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => String(payload).includes('["history"') && asked.push(payload)),
  );
  await ada.reload();
  await expect(ada.getByText("One other person is here.")).toBeVisible();
  await ada.getByLabel("Your name").fill("ada");
  await ada.keyboard.press("Enter");
  await expect(said(ada, "message 259 .")).toBeInViewport();
  // Fifty come with the connection, and no more until the reader wants them.
  expect(asked).toEqual([]);
  await expect(async () => {
    await list(ada).evaluate((scroller) => scroller.scrollBy(0, -400));
    await expect(said(ada, "message 209 .")).toBeInViewport({ timeout: 500 }); // drawn before the next step
  }).toPass();
  const place = () => said(ada, "message 209 .").evaluate((row) => row.getBoundingClientRect().top);
  const before = await settled(place);
  await expect(said(ada, "message 208 .")).toBeAttached();
  await expect.poll(async () => Math.abs((await place()) - before)).toBeLessThan(4);
  await expect(async () => {
    await list(ada).evaluate((scroller) => scroller.scrollTo(0, 0));
    await expect(ada.getByText("This is where the chat begins.")).toBeInViewport({ timeout: 300 });
  }).toPass({ timeout: 20_000 });
  await expect(said(ada, "message 0 .")).toBeInViewport();
});

test.describe("a message that was not sent", () => {
  test.use({ serverEnv: { MAX_MESSAGE_CHARS: "20" } });

  test("stands at the end, and a reader at the end sees the messages of others above it", async ({ room }) => {
    const robot = await room.robot();
    for (let i = 0; i < 20; i++) await robot.say(`message ${i} .`);
    // It is written before the server has told its limits.
    room.server.signal("SIGSTOP");
    const ada = await room.visit({ viewport: { width: 1100, height: 600 } });
    await ada.getByLabel("Your name").fill("ada");
    await ada.keyboard.press("Enter");
    await say(ada, "much too long for this server");
    room.server.signal("SIGCONT");
    await expect(ada.getByText("This is too long for the server.", { exact: true })).toBeInViewport();
    for (let i = 20; i < 28; i++) {
      await robot.say(`message ${i} .`);
      await expect(said(ada, `message ${i} .`)).toBeInViewport({ ratio: 1 });
    }
    await expect(said(ada, "much too long")).toBeInViewport({ ratio: 1 });
    await expect(ada.getByRole("button", { name: "Newest" })).toHaveCount(0);
  });
});

test("a chat that is hardly longer than the list shows its beginning", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 5; i++) await robot.say(`message ${i} .`);
  const ada = await room.join("ada", { viewport: { width: 1100, height: 900 } });
  await expect(ada.getByText("This is where the chat begins.")).toBeVisible();
  const height = await settled(() =>
    list(ada).evaluate((scroller) => {
      const content = scroller.querySelector("ol")?.offsetHeight ?? 0;
      return innerHeight - scroller.clientHeight + content;
    }),
  );
  const bob = await room.join("bob", { viewport: { width: 1100, height: height - 40 } });
  await expect(said(bob, "message 4 .")).toBeInViewport({ ratio: 1 });
  await expect.poll(() => list(bob).evaluate(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight)).toBe(40);
  await expect(bob.getByText("This is where the chat begins.")).toBeAttached();
});

test("a reader further up is not moved, sees how much is new, and reaches it with one click", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 40; i++) await robot.say(`message ${i} .`);
  const ada = await room.join("ada", { viewport: { width: 1100, height: 600 } });
  await expect(said(ada, "message 39 .")).toBeInViewport();
  await goUp(ada, 800);
  const row = articles(ada).nth(10);
  await expect(row).toBeAttached();
  await expect(ada.getByRole("button", { name: "Newest" })).toBeVisible();
  const top = await settled(() => list(ada).evaluate((scroller) => scroller.scrollTop));
  for (const text of ["new one", "new two", "new three"]) await robot.say(text);
  const pill = ada.getByRole("button", { name: "3 new messages" });
  await expect(pill).toBeVisible();
  expect(await list(ada).evaluate((scroller) => scroller.scrollTop)).toBe(top);
  await pill.click();
  await expect(said(ada, "new three")).toBeInViewport();
  await expect(pill).toBeHidden();
});

test("a reader at the end stays there when the input grows or a phone's keyboard opens", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 30; i++) await robot.say(`message ${i} .`);
  const ada = await room.join("ada", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await expect(said(ada, "message 29 .")).toBeInViewport();
  await composer(ada).fill("one\ntwo\nthree\nfour");
  await expect(said(ada, "message 29 .")).toBeInViewport({ ratio: 1 });
  await ada.setViewportSize({ width: 390, height: 480 });
  await expect(said(ada, "message 29 .")).toBeInViewport({ ratio: 1 });
  await expect(composer(ada)).toBeInViewport({ ratio: 1 });
  await robot.say("still here");
  await expect(said(ada, "still here")).toBeInViewport({ ratio: 1 });
  // Nothing is wider than the phone.
  await expect.poll(() => ada.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
});

test("a list that fills after it was shown stays at its end and loads nothing more", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 260; i++) await robot.say(`message ${i} .`);
  const ada = await room.visit({ viewport: { width: 1100, height: 800 } });
  const asked: unknown[] = [];
  let begin = () => {};
  await ada.routeWebSocket(/./, (page) => {
    const server = page.connectToServer();
    const held: (string | Buffer)[] = [];
    let holds = true;
    begin = () => {
      holds = false;
      for (const packet of held) page.send(packet);
    };
    server.onMessage((packet) => {
      if (holds && String(packet).startsWith("42")) held.push(packet);
      else page.send(packet);
    });
    page.onMessage((packet) => {
      if (String(packet).includes('["history"')) asked.push(packet);
      server.send(packet);
    });
  });
  await ada.clock.install();
  await ada.reload();
  await ada.getByLabel("Your name").fill("ada");
  await ada.keyboard.press("Enter");
  await expect(badge(ada)).toHaveText("Live");
  begin();
  await expect(said(ada, "message 259 .")).toBeInViewport();
  await ada.clock.runFor(3000);
  await expect(said(ada, "message 259 .")).toBeInViewport();
  expect(asked).toEqual([]);
  // It loads more when the reader goes up.
  await expect(async () => {
    await list(ada).evaluate((scroller) => scroller.scrollTo(0, 0));
    await ada.clock.runFor(1000);
    expect(asked[0]).toContain('"before"');
  }).toPass();
});

test("a reader who scrolls up slowly leaves the end, though a message comes with every step", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 40; i++) await robot.say(`message ${i} .`);
  const ada = await room.join("ada", { viewport: { width: 1100, height: 600 } });
  await expect(said(ada, "message 39 .")).toBeInViewport();
  await list(ada).hover();
  const place = () => list(ada).evaluate(({ scrollTop }) => scrollTop);
  for (let step = 0; step < 10; step++) {
    const before = await place();
    await ada.mouse.wheel(0, -20);
    await expect.poll(place).toBeLessThan(before);
    await robot.say(`news ${step} .`);
  }
  await expect(ada.getByRole("button", { name: /new messages/ })).toBeVisible();
  await expect(said(ada, "news 9 .")).not.toBeInViewport();
});

/** Sends a message every ten milliseconds until the returned function is called. */
function pour(robot: Robot): () => Promise<void> {
  const told: Promise<void>[] = [];
  const timer = setInterval(() => told.push(robot.say(`busy ${told.length} .`)), 10);
  return async () => {
    clearInterval(timer);
    await Promise.all(told);
  };
}

test("a reader of a short chat who cannot scroll, or opens a message that fits, still follows the end", async ({
  room,
}) => {
  const robot = await room.robot();
  await robot.say(Array.from({ length: 21 }, (_, i) => `line ${i} .`).join("\n"));
  const ada = await room.join("ada", { viewport: { width: 1100, height: 1300 } });
  await expect(said(ada, "line 0 .")).toBeInViewport();
  await list(ada).focus();
  await ada.keyboard.press("PageUp");
  await list(ada).hover();
  await ada.mouse.wheel(0, -100);
  await ada.getByRole("button", { name: "Show all" }).click();
  await expect(said(ada, "line 20 .")).toBeInViewport();
  await expect(async () => {
    await robot.say("more .");
    await expect(said(ada, "more .").last()).toBeInViewport({ ratio: 1, timeout: 300 });
    expect(await fromEnd(ada)).toBeLessThanOrEqual(1);
    expect(await articles(ada).count()).toBeGreaterThan(20);
  }).toPass({ intervals: [50] });
  await expect(ada.getByRole("button", { name: /new message|Newest/ })).toHaveCount(0);
});

test("a long message at the end opens and closes at its beginning", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 20; i++) await robot.say(`message ${i} .`);
  await robot.say(Array.from({ length: 120 }, (_, i) => `line ${i} .`).join("\n"));
  const ada = await room.join("ada", { viewport: { width: 1100, height: 800 } });
  const long = said(ada, "line 0 .");
  await expect(ada.getByRole("button", { name: "Show all" })).toBeInViewport();
  const top = async () => Math.round((await long.boundingBox())?.y ?? Number.NaN);
  const before = await settled(top);
  await ada.getByRole("button", { name: "Show all" }).click();
  await expect(long).toContainText("line 119 .");
  await expect.poll(top).toBe(before);
  await robot.say("meanwhile");
  await expect(ada.getByRole("button", { name: "1 new message" })).toBeVisible();
  await expect.poll(top).toBe(before);
  // It stays open when it scrolls out of view.
  await ada.getByRole("button", { name: "1 new message" }).click();
  await expect(said(ada, "meanwhile")).toBeInViewport();
  const less = ada.getByRole("button", { name: "Show less" });
  await less.focus();
  await ada.keyboard.press("Enter");
  await expect(ada.getByRole("button", { name: "Show all" })).toBeFocused();
  await expect(long).not.toContainText("line 119 .");
  await expect(long).toBeInViewport();
});

test.describe("in a busy room", () => {
  test.use({ serverEnv: { MESSAGE_RATE: "0" } });

  test("a reader at the end sees no pill, and one notch of the wheel leaves the end", async ({ room }) => {
    const robot = await room.robot();
    await fill(robot, 500);
    const ada = await room.join("ada", { viewport: { width: 1100, height: 600 } });
    const pill = ada.getByRole("button", { name: /new message|Newest/ });
    await list(ada).hover();
    await ada.evaluate(() => {
      const seen = { pills: 0 };
      Object.assign(window, { seen });
      const isPill = (node: Node) => node instanceof HTMLButtonElement && /new message|Newest/.test(node.textContent);
      new MutationObserver((changes) => {
        for (const { addedNodes } of changes) seen.pills += [...addedNodes].filter(isPill).length;
      }).observe(document.querySelector("section[aria-label=Messages]")?.parentElement as Node, { childList: true });
    });
    const stop = pour(robot);
    await expect.poll(() => robot.heard.length).toBeGreaterThan(800);
    expect(await ada.evaluate(() => (window as unknown as { seen: { pills: number } }).seen.pills)).toBe(0);
    for (let attempt = 0; attempt < 6; attempt++) {
      await ada.mouse.wheel(0, -20);
      await expect(pill).toBeVisible();
      await pill.click();
      await expect(pill).toBeHidden();
      await list(ada).hover();
    }
    await stop();
    await expect.poll(() => fromEnd(ada)).toBeLessThanOrEqual(1);
  });
});
