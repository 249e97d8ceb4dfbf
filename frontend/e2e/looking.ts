import { AxeBuilder } from "@axe-core/playwright";
import { type BrowserContextOptions, expect, type Locator, type Page } from "@playwright/test";

export const wide: BrowserContextOptions = { viewport: { width: 1100, height: 700 } };
export const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** Waits for fading to end: a fading element is pale for a moment. */
export async function still(page: Page): Promise<void> {
  const fading = () =>
    page.evaluate(() => {
      const fades = (a: Animation) => a.playState === "running" && a.effect?.getTiming().iterations === 1;
      return document.getAnimations().filter(fades).length;
    });
  await expect.poll(fading).toBe(0);
}

export async function expectAccessible(page: Page): Promise<void> {
  await still(page);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

/** Whether the element has an edge other than its background. */
export function hasEdge(element: Locator): Promise<boolean> {
  return element.evaluate((node) => {
    const { outlineStyle, outlineWidth, outlineColor, borderTopStyle, borderTopWidth } = getComputedStyle(node);
    const outlined = outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 1;
    const bordered = borderTopStyle !== "none" && Number.parseFloat(borderTopWidth) >= 1;
    return bordered || (outlined && !/^rgba\(.*, 0\)$/.test(outlineColor));
  });
}
