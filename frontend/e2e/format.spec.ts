import type { Locator, Page } from "@playwright/test";
import { expectAccessible, hasEdge, phone, wide } from "./looking";
import { articles, composer, expect, list, said, test } from "./room";

const rich = [
  "Formatted: **bold**, *italics*, `code` and https://a.example/page.",
  "> A quote of **two**",
  "> lines",
  "- a point",
  "- another\n  1. within it",
  "```js",
  'const word = "copy me";',
  "```",
].join("\n");

/** Sends the text as it is: Enter in the middle would send a part. */
async function write(page: Page, text: string): Promise<Locator> {
  const { length } = await articles(page).all();
  await composer(page).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
  await expect(articles(page)).toHaveCount(length + 1);
  return articles(page).last();
}

for (const [name, device] of Object.entries({ wide, phone })) {
  test(`a message is shown with its format, accessible in each scheme: ${name}`, async ({ room }) => {
    const page = await room.join("ada", device);
    const robot = await room.robot();
    await robot.say(rich);
    await expect(said(page, "robot")).toBeVisible();
    const own = await write(page, rich);
    for (const message of [said(page, "robot"), own]) {
      await expect(message.locator("strong").first()).toHaveCSS("font-weight", "680");
      await expect(message.locator("em")).toHaveCSS("font-style", "italic");
      await expect(message.getByRole("blockquote")).toHaveText("A quote of two\nlines", { useInnerText: true });
      await expect(message.getByRole("listitem")).toHaveCount(3);
      await expect(message.locator("[data-text]")).toHaveText(rich.replace(/\s+/g, " "));
      await expect(message.locator("[hidden]").first()).toBeHidden();
      await expect(message.locator("[data-text] a")).toHaveAttribute("href", "https://a.example/page");
    }
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
    }
    const parts = [own.locator("p > code"), own.locator("div:has(> pre)")];
    for (const part of parts) expect(await hasEdge(part)).toBe(false);
    await page.emulateMedia({ forcedColors: "active" });
    for (const part of parts) await expect.poll(() => hasEdge(part)).toBe(true);
    await expectAccessible(page);
    // Nothing is wider than the room.
    expect(await list(page).evaluate((node) => node.scrollWidth - node.clientWidth)).toBe(0);
  });
}

test("a block of code is copied with its button by keyboard, a message as it was typed", async ({ room }) => {
  const page = await room.join("ada", { ...wide, permissions: ["clipboard-read", "clipboard-write"] });
  const message = await write(page, `before\n${rich}`);
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await composer(page).focus();
  const button = message.getByRole("button", { name: "Copy code" });
  await expect(async () => {
    await page.keyboard.press("Shift+Tab");
    await expect(button).toBeFocused({ timeout: 100 });
  }).toPass();
  await page.keyboard.press("Enter");
  await expect(page.getByText("Code copied")).toBeAttached();
  expect(await copied()).toBe('const word = "copy me";');
  await expect(button).toBeFocused();
  const select = (from: string, to: string) =>
    message.evaluate(
      (article, [first, last]) => {
        const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
        const nodes: Node[] = [];
        while (walker.nextNode()) nodes.push(walker.currentNode);
        const [begin, end] = [first, last].map(
          (text) => nodes.find((node) => node.textContent?.includes(text)) as Text,
        );
        document.getSelection()?.setBaseAndExtent(begin as Text, 0, end as Text, (end as Text).length);
      },
      [from, to] as const,
    );
  const copy = async () => {
    await page.keyboard.press("Control+c");
    return copied();
  };
  await select("before", "copy me");
  expect(await copy()).toBe(`before\n${rich}`);
  await select("bold", "bold");
  expect(await copy()).toBe("bold");
  await select("bold", "italics");
  expect(await copy()).toBe("bold**, *italics");
  await select("copy me", "copy me");
  expect(await copy()).toBe('const word = "copy me";');
});

test("bombs and scripts are text, and the room goes on", async ({ room }) => {
  const page = await room.join("ada", wide);
  const robot = await room.robot();
  const bombs = [
    "`".repeat(4000),
    `${"> ".repeat(1900)}deep`,
    `${"*a **b ".repeat(280)}${"** *".repeat(280)}`,
    "```\nno end\n<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'> <style>* { display: none }</style> **[a](javascript:window.hacked=1)**",
    "`https://code.example` data:text/html,<script>window.hacked=1</script> \u202e**back**",
  ];
  for (const bomb of bombs) await robot.say(bomb);
  await expect(articles(page)).toHaveCount(bombs.length);
  await expect(articles(page).locator("script, style, img, iframe")).toHaveCount(0);
  await expect(articles(page).locator("[data-text] a")).toHaveCount(0);
  expect(await page.evaluate(() => "hacked" in window)).toBe(false);
  await write(page, "still *here*");
  await expect(said(page, "still").locator("em")).toBeVisible();
});

test("a message from right to left has its marks on its side", async ({ room }) => {
  const page = await room.join("ada", wide);
  const message = await write(page, "**שלום** לכולם\n> ציטוט\n- נקודה");
  const quote = message.getByRole("blockquote");
  await expect(quote).toHaveCSS("direction", "rtl");
  await expect(quote).toHaveCSS("border-right-width", "3px");
  await expect(message.getByRole("listitem")).toHaveCSS("direction", "rtl");
  await expect(message.locator("p", { hasText: "לכולם" })).toHaveCSS("direction", "rtl");
});
