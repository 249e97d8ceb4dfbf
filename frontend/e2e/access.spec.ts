import type { Locator } from "@playwright/test";
import { expectAccessible, phone, still } from "./looking";
import { freePort, Redis } from "./processes";
import { badge, composer, expect, goUp, list, said, say, send, test } from "./room";

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

/** States that are rare, each with colours and parts of its own. */
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
    await expect(page.getByText("The server no longer keeps them.")).toBeVisible();
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

  test(`axe finds nothing while the server wakes or refuses the page, ${colorScheme}`, async ({ room }) => {
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

  test(`text on a gradient or a tone of its own has contrast, ${colorScheme}`, async ({ room }) => {
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
    const parts = [
      own.locator("[dir=auto]"),
      own.locator("[data-text] a"),
      own.getByRole("button", { name: "Show all" }),
      own.locator("time"),
    ];
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

    // A waiting message is paler.
    await page.context().setOffline(true);
    await composer(page).press("Enter");
    const waiting = said(page, "hello");
    await expect(waiting.getByLabel("Waiting for a connection")).toBeVisible();
    for (const part of [waiting.locator("[dir=auto]"), waiting.locator("time")]) {
      expect(await contrast(part)).toBeGreaterThan(4.5);
    }

    // Both ends of a gradient count, after its filter.
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
 * The least contrast of a text to the gradient or the opaque colour behind it, by WCAG. The ends of a gradient are its lightest
 * places, so they are the worst for light text. The canvas understands every notation of a colour and applies the filter.
 */
function contrast(text: Locator): Promise<number> {
  return text.evaluate((element) => {
    const groundOf = ({ backgroundImage, backgroundColor }: CSSStyleDeclaration) =>
      backgroundImage.includes("gradient(") ? backgroundImage : backgroundColor;
    const isSeen = (ground: string) => ground !== "rgba(0, 0, 0, 0)";
    let behind: Element | null = element;
    while (behind && !isSeen(groundOf(getComputedStyle(behind)))) behind = behind.parentElement;
    if (!behind) throw new Error("There is nothing behind this.");
    const style = getComputedStyle(behind);
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    if (!canvas) throw new Error("There is no canvas.");
    canvas.filter = style.filter;
    const luminance = (color: string) => {
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const channels = Array.from(canvas.getImageData(0, 0, 1, 1).data, (value) => value / 255);
      const [r = 0, g = 0, b = 0] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const front = luminance(getComputedStyle(element).color);
    const ends = groundOf(style).match(/\b[a-z]+\([^()]*\)/g) ?? [];
    return Math.min(...ends.map((end) => ratio(front, luminance(end))));
  });
}

test("everything works by keyboard", async ({ room }) => {
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
  await expect(said(page, "see").locator("[data-text] a")).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await expect(list(page)).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await expect(page.getByRole("button", { name: /Settings/ })).toBeFocused();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await expect(dialog.getByRole("textbox", { name: "Your name" })).toBeFocused();
  const sound = dialog.getByLabel("Play a sound");
  for (let i = 0; i < 20 && !(await sound.evaluate((node) => node === document.activeElement)); i++) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Space");
  await expect(sound).toBeChecked();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: /Settings/ })).toBeFocused();
});

test("pitfall 8: new messages are announced once, politely, and scrolling announces nothing", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 60; i++) await robot.say(`old ${i} .`);
  const ada = await room.join("ada");
  const log = ada.getByRole("log");
  await expect(log).toHaveAttribute("aria-live", "polite");
  await expect(said(ada, "old 59 .")).toBeVisible();
  // Messages of the first second of a page are history.
  await expect(async () => {
    await robot.say("news");
    await expect(log).toContainText("robot: news", { timeout: 2000 });
  }).toPass();
  await expect(log).not.toContainText("old");
  // More of the news may still be announced.
  const others = async () => (await log.textContent())?.replace(/robot: news|\d+ new messages/g, "");
  expect(await others()).toBe("");
  await goUp(ada);
  await expect(said(ada, "old 5 .")).toBeVisible();
  expect(await others()).toBe("");
  await say(ada, "my own words");
  await expect(said(ada, "my own words").getByLabel("Sent")).toBeVisible();
  await expect(log).not.toContainText("my own words");
});
