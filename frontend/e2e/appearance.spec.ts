import type { Page } from "@playwright/test";
import { expectAccessible, phone, wide } from "./looking";
import { composer, expect, fill, fromEnd, holdScripts, say, test } from "./room";

const dark = "rgb(36, 16, 70)";
const light = "rgb(138, 91, 232)";

const background = (page: Page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
const themeColor = (page: Page) =>
  page.evaluate(
    () =>
      [...document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")].find(
        ({ media }) => matchMedia(media).matches,
      )?.content,
  );
const textSize = (page: Page) => page.evaluate(() => getComputedStyle(document.body).fontSize);

const openSettings = (page: Page) => page.getByRole("button", { name: /Settings/ }).click();

test("a chosen theme is there before the page comes to life, and in other tabs at once", async ({ room }) => {
  const page = await room.join("ada", { ...wide, colorScheme: "light" });
  const other = await page.context().newPage();
  await other.goto(room.siteUrl);
  await openSettings(page);
  expect(await background(page)).toBe(light);
  await page.getByLabel("Dark").check();
  for (const tab of [page, other]) {
    await expect.poll(() => background(tab)).toBe(dark);
    expect(await themeColor(tab)).toBe("#171238");
  }
  const release = await holdScripts(other, room.siteUrl);
  expect(await background(other)).toBe(dark);
  expect(await themeColor(other)).toBe("#171238");
  release();
  await expect(other.getByText(/other person is here|is here yet/)).toBeVisible();
  expect(await themeColor(other)).toBe("#171238");

  await page.emulateMedia({ colorScheme: "dark" });
  await page.getByLabel("Light").check();
  expect(await background(page)).toBe(light);
  expect(await themeColor(page)).toBe("#6f63ec");
  await page.getByLabel("System").check();
  expect(await background(page)).toBe(dark);
});

test("a larger text leaves everything in its place, on a phone too, and the list at its end", async ({ room }) => {
  await fill(await room.robot(), 60);
  for (const options of [phone, { viewport: { width: 320, height: 640 } }, wide]) {
    const page = await room.join("Ada Lovelace", options);
    await say(page, "mine");
    await openSettings(page);
    await page.getByLabel("Larger", { exact: true }).check();
    await expect.poll(() => textSize(page)).toBe("20.8px");
    await expectAccessible(page);
    await page.keyboard.press("Escape");
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    expect(await outside(page)).toEqual([]);
    await expectAccessible(page);
    await page.reload();
    await expect(composer(page)).toBeVisible();
    expect(await textSize(page)).toBe("20.8px");
    const form = await page.context().newPage();
    await form.goto(room.siteUrl);
    expect(await textSize(form)).toBe("20.8px");
    expect(await outside(form)).toEqual([]);
    await page.context().close();
  }
});

test("the look can be chosen by keyboard, and is accessible in every scheme", async ({ room }) => {
  const page = await room.join("ada", wide);
  await openSettings(page);
  await page.getByLabel("System").focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByLabel("Light")).toBeChecked();
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Normal")).toBeFocused();
  for (const theme of ["Dark", "Light", "System"]) {
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.getByLabel(theme, { exact: true }).check();
      await expectAccessible(page);
    }
  }
  await page.emulateMedia({ forcedColors: "active" });
  await expectAccessible(page);
  // Forced colours are those of the system, whatever is chosen here.
  const card = page.getByRole("main").locator("> div");
  const system = await card.evaluate((node) => getComputedStyle(node).backgroundColor);
  await page.getByLabel("Light", { exact: true }).check();
  expect(await card.evaluate((node) => getComputedStyle(node).backgroundColor)).toBe(system);
});

test("blocked storage does not keep the page from looking as chosen", async ({ room }) => {
  const page = await room.visit();
  await page.addInitScript(() => {
    for (const name of ["localStorage", "sessionStorage"]) {
      Object.defineProperty(window, name, {
        get() {
          throw new DOMException("no", "SecurityError");
        },
      });
    }
  });
  await page.reload();
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await openSettings(page);
  await page.getByLabel("Dark").check();
  await expect.poll(() => background(page)).toBe(dark);
});

test("at 320 pixels and with text of twice the size everything is within its frame", async ({ room }) => {
  for (const [options, size] of [
    [{ viewport: { width: 320, height: 568 } }, "100%"],
    [{ viewport: { width: 390, height: 844 } }, "200%"],
  ] as const) {
    const page = await room.visit(options);
    const enlarge = () =>
      page.evaluate((to) => {
        document.documentElement.style.fontSize = to;
      }, size);
    await enlarge();
    expect(await clipped(page)).toEqual([]);
    await page.getByLabel("Your name").fill("Ada Lovelace");
    await page.keyboard.press("Enter");
    await expect(composer(page)).toBeVisible();
    await enlarge();
    expect(await outside(page)).toEqual([]);
    for (const open of [() => openSettings(page), () => page.keyboard.press("Control+j")]) {
      await open();
      await expect(page.getByRole("dialog")).toBeVisible();
      expect(await clipped(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog")).toBeHidden();
    }
    await page.context().setOffline(true);
    await expect(page.getByRole("status")).toHaveText("Offline");
    expect(await outside(page)).toEqual([]);
    await page.context().close();
  }
});

/** The parts of the form or of the open dialog that are wider than their place. */
function clipped(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const frame = document.querySelector("dialog[open]") ?? document.querySelector("main");
    const { left, right } = frame?.getBoundingClientRect() ?? { left: 0, right: 0 };
    const parts = [...(frame?.querySelectorAll<HTMLElement>("h1, h2, p, label, input, select, button") ?? [])];
    return parts
      .filter((part) => {
        const box = part.getBoundingClientRect();
        const isCut = part.matches("p, h1, h2") && part.scrollWidth > part.clientWidth;
        return box.width > 0 && (isCut || box.left < left || box.right > right);
      })
      .map((part) => part.outerHTML.slice(0, 120));
  });
}

/** The controls that are not within the window, or on top of each other. */
function outside(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const controls = [
      ...document.querySelectorAll("header :is(button, h1, [role=status]), form :is(button, input, textarea)"),
    ];
    const boxes = controls
      .map((node) => ({ node, box: node.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0);
    const bad = boxes.filter(({ node, box }) => {
      const overlaps = boxes.some(
        ({ node: other, box: { left, right, top, bottom } }) =>
          !node.contains(other) &&
          !other.contains(node) &&
          Math.min(box.right, right) - Math.max(box.left, left) > 1 &&
          Math.min(box.bottom, bottom) - Math.max(box.top, top) > 1,
      );
      return overlaps || box.left < -1 || box.right > innerWidth + 1;
    });
    const wide = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
    return [...bad.map(({ node }) => node.outerHTML.slice(0, 120)), ...wide];
  });
}
