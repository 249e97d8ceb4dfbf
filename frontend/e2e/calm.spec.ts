import type { Locator } from "@playwright/test";
import { expectAccessible, phone, wide } from "./looking";
import { badge, expect, fill, goUp, list, said, say, test } from "./room";

const opacity = (element: Locator) =>
  element.evaluate((node) => {
    let shown = 1;
    for (let at: Element | null = node; at; at = at.parentElement) shown *= Number(getComputedStyle(at).opacity);
    return shown;
  });

test("a run of messages shows one time; another one shows on hover, and by keyboard", async ({ room }) => {
  const robot = await room.robot();
  for (const text of ["first", "second", "third"]) await robot.say(text, "Linus");
  const page = await room.join("ada", wide);
  const time = (text: string) => said(page, text).locator("time");
  for (const name of ["one", "two"]) {
    await say(page, name);
    await expect(said(page, name).getByLabel("Sent")).toBeVisible();
  }
  for (const [text, last] of [
    ["first", 0],
    ["second", 0],
    ["third", 1],
    ["one", 0],
    ["two", 1],
  ] as const) {
    await expect.poll(() => opacity(time(text)), text).toBe(last);
  }
  for (const text of ["second", "one"]) {
    const before = await said(page, text).boundingBox();
    await said(page, text).hover();
    await expect.poll(() => opacity(time(text))).toBe(1);
    await expect(time(text)).toBeInViewport({ ratio: 1 });
    expect(await said(page, text).boundingBox()).toEqual(before);
  }
  await said(page, "first").locator("a[data-time]").focus();
  await expect.poll(() => opacity(time("first"))).toBe(1);
  await expectAccessible(page);
  // Without the mark of the mouse, screen readers have every time.
  await expect(list(page).getByRole("article").filter({ hasText: "first" })).toContainText(/\d:\d\d/);
});

/** Whether nothing lies over the middle of the element. */
function isOnTop(element: Element): boolean {
  const { left, top, width, height } = element.getBoundingClientRect();
  return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}

/** Whether the element lies over a line of the text. */
function covers(element: Element, text: Element | null): boolean {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const lines = document.createRange();
  lines.selectNodeContents(text as Element);
  return [...lines.getClientRects()].some(
    (line) => line.left < right && line.right > left && line.top < bottom && line.bottom > top,
  );
}

test("on a phone a time that is shown on demand stays on the phone, and covers no text", async ({ room }) => {
  const robot = await room.robot();
  for (const text of ["a long first one\nwhose last line is the longest", "second"]) await robot.say(text);
  const page = await room.join("ada", phone);
  const first = said(page, "a long first");
  await first.locator("a[data-time]").focus();
  await expect.poll(() => opacity(first.locator("time"))).toBe(1);
  await expect(first.locator("time")).toBeInViewport({ ratio: 1 });
  expect(await first.locator("a[data-time]").evaluate(isOnTop)).toBe(true);
  for (const text of ["a long first", "second"]) {
    const words = await said(page, text).locator("[data-text]").elementHandle();
    expect(await first.locator("a[data-time]").evaluate(covers, words)).toBe(false);
  }
  expect(await list(page).evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
});

test("own messages have one tone, and the edge of the list fades while there is more below", async ({ room }) => {
  await fill(await room.robot(), 60);
  const page = await room.join("ada", { viewport: { width: 1100, height: 600 } });
  await say(page, "mine");
  const bubble = said(page, "mine").locator("> div");
  expect(await bubble.evaluate((node) => getComputedStyle(node).backgroundImage)).toBe("none");
  const fade = () =>
    list(page).evaluate(({ parentElement }) => getComputedStyle(parentElement as Element, "::after").opacity);
  await expect.poll(fade).toBe("0");
  await goUp(page, 400);
  await expect.poll(fade).toBe("1");
  await expect(badge(page)).toHaveText("Live");
});
