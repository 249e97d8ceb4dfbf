import type { Page } from "@playwright/test";
import { phone } from "./looking";
import { composer, expect, list, said, say, test } from "./room";

/** The elements that are wider than their space: of the page, the list and the messages. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const parts = document.querySelectorAll<HTMLElement>(
      "section, ol, li, article, article > :not(.hidden), article > div *",
    );
    const overflowing = [document.documentElement, ...parts].filter((element) => {
      const style = getComputedStyle(element);
      const { left, right } = element.getBoundingClientRect();
      // A name with an ellipsis does not overflow. An inline element has no width of its own.
      const inner = element.clientWidth > 0 && style.textOverflow !== "ellipsis" && style.display !== "inline";
      return left < 0 || right > innerWidth || (inner && element.scrollWidth > element.clientWidth);
    });
    return overflowing.map((element) => `${element.tagName} ${element.className}`);
  });
}

test("endless words and addresses wrap, and nothing is wider than the phone", async ({ room }) => {
  const [ada, bob] = [await room.join("ada", phone), await room.join("bob", phone)];
  const word = `word${"W".repeat(1996)}`;
  const address = `https://example.com/${"path".repeat(200)}?${"query=".repeat(60)}`;
  for (const page of [ada, bob]) {
    await say(page, word);
    await say(page, `see ${address}`);
  }
  for (const page of [ada, bob]) {
    await expect(said(page, "see https")).toHaveCount(2);
    // The longest messages show their beginning first; both forms must fit.
    await expect.poll(() => tooWide(page)).toEqual([]);
    const more = page.getByRole("button", { name: "Show all" });
    await expect(more).toHaveCount(2);
    for (let left = 2; left > 0; left--) {
      await more.first().click();
      await expect(more).toHaveCount(left - 1);
    }
    await expect(said(page, word)).toHaveCount(2);
    await expect.poll(() => tooWide(page)).toEqual([]);
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await expect.poll(() => list(page).evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
  }
  // The measurement works: the same messages overflow without wrapping.
  await ada.evaluate(() => {
    for (const text of document.querySelectorAll<HTMLElement>("article [dir=auto]")) {
      text.style.overflowWrap = "normal";
    }
  });
  await expect.poll(() => tooWide(ada)).not.toEqual([]);
});

/** Acts as the visual viewport of an iPhone, which this browser does not have. */
interface FakeViewport extends EventTarget {
  height: number;
  scale: number;
}

test("the keyboard of an iPhone shrinks the page, and zooming does not", async ({ room }) => {
  const page = await room.visit(phone);
  await page.addInitScript(() => {
    const fake = Object.assign(new EventTarget(), { height: 844, scale: 1 });
    Object.defineProperty(window, "visualViewport", { value: fake });
  });
  await page.reload();
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await expect(composer(page)).toBeVisible();
  const height = () => page.getByRole("main").evaluate((main) => main.getBoundingClientRect().height);
  const become = (change: { height: number; scale: number }) =>
    page.evaluate((to) => {
      const fake = Object.assign(window.visualViewport as unknown as FakeViewport, to);
      fake.dispatchEvent(new Event("resize"));
    }, change);
  await expect.poll(height).toBe(844);

  await become({ height: 480, scale: 1 });
  await expect.poll(height).toBe(480);
  const bottom = async () => {
    const box = await composer(page).boundingBox();
    return (box?.y ?? 0) + (box?.height ?? 0);
  };
  await expect.poll(bottom).toBeLessThanOrEqual(480);

  // At twice the scale half as much is visible, and it stays in place.
  await become({ height: 240, scale: 2 });
  await expect.poll(height).toBe(480);

  await become({ height: 844, scale: 1 });
  await expect.poll(height).toBe(844);
});

test("a page that an iPhone's keyboard pushed up returns", async ({ room }) => {
  const page = await room.join("ada", phone);
  await page.evaluate(() => {
    // Space to scroll, as Safari adds behind a keyboard.
    document.body.style.minHeight = "200vh";
    window.scrollTo(0, 300);
  });
  await expect.poll(() => page.evaluate(() => scrollY)).toBe(300);
  await page.evaluate(() => window.visualViewport?.dispatchEvent(new Event("resize")));
  await expect.poll(() => page.evaluate(() => scrollY)).toBe(0);
});

test("an endless name is cut off, and nothing is wider than the phone", async ({ room }) => {
  const ada = await room.join("ada", phone);
  const robot = await room.robot();
  await robot.say("hello", "W".repeat(64));
  await expect(said(ada, "hello")).toBeVisible();
  await expect.poll(() => tooWide(ada)).toEqual([]);
  await expect.poll(() => list(ada).evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
});

test("Enter starts a line on the keyboard of a phone, which has no Shift+Enter", async ({ room }) => {
  const page = await room.join("ada", phone);
  await composer(page).pressSequentially("one");
  await composer(page).press("Enter");
  await composer(page).pressSequentially("two");
  await expect(composer(page)).toHaveValue("one\ntwo");
  await expect(composer(page)).toHaveAttribute("enterkeyhint", "enter");
  await page.getByRole("button", { name: "Send" }).tap();
  await expect(said(page, "one")).toContainText("one\ntwo");
});

test("the send button keeps the keyboard open", async ({ room }) => {
  const page = await room.join("ada", phone);
  await composer(page).fill("hello");
  await page.evaluate(() => {
    const left: string[] = [];
    document.addEventListener("focusout", ({ target }) => left.push((target as Element).tagName));
    Object.assign(window, { left });
  });
  await page.getByRole("button", { name: "Send" }).tap();
  await expect(said(page, "hello")).toBeVisible();
  await expect(composer(page)).toBeFocused();
  expect(await page.evaluate(() => (window as unknown as { left: string[] }).left)).toEqual([]);
});

// Like a page at 400 % zoom, and like a phone in landscape with its keyboard open.
for (const viewport of [
  { width: 320, height: 256 },
  { width: 740, height: 190 },
]) {
  test(`at ${viewport.width} by ${viewport.height} the list has space, and nothing is cut off`, async ({ room }) => {
    const robot = await room.robot();
    for (let i = 0; i < 9; i++) await robot.say(`message ${i} .`);
    const page = await room.join("ada", { viewport });
    await composer(page).fill("one\ntwo\nthree\nfour\nfive");
    const inside = async () => {
      const boxes = await Promise.all([list(page), composer(page)].map((part) => part.boundingBox()));
      return boxes.map((box) => box !== null && box.height > 10 && box.y >= 0 && box.y + box.height <= viewport.height);
    };
    await expect.poll(inside).toEqual([true, true]);
    await page.context().setOffline(true);
    await expect(page.getByText("You are offline.")).toBeVisible();
    await expect.poll(inside).toEqual([true, true]);
  });
}
