import type { Locator, Page } from "@playwright/test";
import { hasEdge } from "./looking";
import { badge, composer, expect, goUp, list, said, say, test } from "./room";

/** The number of background lights that move. */
function moving(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      document.getAnimations().filter((animation) => {
        const { animationName } = animation as CSSAnimation;
        return /drift/.test(animationName) && animation.playState === "running";
      }).length,
  );
}

test("the background moves on a focused form and stands still in the room", async ({ room }) => {
  const page = await room.visit();
  await expect.poll(() => moving(page)).toBe(4);
  const look = (looks: boolean) =>
    page.evaluate((value) => {
      document.hasFocus = () => value;
      dispatchEvent(new Event(value ? "focus" : "blur"));
    }, looks);
  await look(false);
  await expect.poll(() => moving(page)).toBe(0);
  await look(true);
  await expect.poll(() => moving(page)).toBe(4);
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await expect(badge(page)).toHaveText("Live");
  await expect.poll(() => moving(page)).toBe(0);
});

test("elements without borders have edges in forced colours only", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 40; i++) await robot.say(`message ${i} .`);
  const page = await room.join("ada", { viewport: { width: 1100, height: 600 } });
  await say(page, "mine");
  await expect(said(page, "mine").getByLabel("Sent")).toBeVisible();
  await goUp(page, 400);
  await robot.say("news");
  const pill = page.getByRole("button", { name: /new message/ });
  await expect(pill).toBeVisible();
  await page.context().setOffline(true); // the badge is shown while something is wrong
  await expect(badge(page)).toHaveText("Offline");
  const parts = [said(page, "message 36 .").locator("div").first(), pill, badge(page)];
  const others = [page.getByRole("main").locator("> div"), page.getByRole("button", { name: "Send" })];
  for (const part of [...parts, ...others]) await expect.poll(() => hasEdge(part), String(part)).toBe(false);
  await page.emulateMedia({ forcedColors: "active" });
  await composer(page).fill("hello");
  for (const part of [...parts, ...others]) await expect.poll(() => hasEdge(part), String(part)).toBe(true);
  await pill.click();
  await expect(said(page, "mine")).toBeVisible();
  await expect.poll(() => hasEdge(said(page, "mine").locator("div").first())).toBe(true);
});

test("a dropped file or a pasted picture is refused in words, and the page stays", async ({ room }) => {
  const page = await room.visit();
  await expect(page.getByText("Nobody else is here yet.")).toBeVisible();
  const notice = page.getByText("Files and pictures cannot be sent here, only text.");
  const put = (type: "drop" | "dragover" | "paste", where: string, mime: string) =>
    page.evaluate(
      ([kind, selector, what]) => {
        const data = new DataTransfer();
        if (what.startsWith("text/")) data.setData(what, "https://example.com/");
        else data.items.add(new File(["x"], "x.png", { type: what }));
        const init = { bubbles: true, cancelable: true };
        const event =
          kind === "paste"
            ? new ClipboardEvent(kind, { ...init, clipboardData: data })
            : new DragEvent(kind, { ...init, dataTransfer: data });
        document.querySelector(selector)?.dispatchEvent(event);
        return event.defaultPrevented;
      },
      [type, where, mime] as const,
    );
  // Without this the browser would open the file.
  expect(await put("dragover", "main", "image/png")).toBe(true);
  await expect(notice).toHaveCount(0);
  expect(await put("drop", "main", "image/png")).toBe(true);
  await expect(notice).toBeVisible();
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await expect(badge(page)).toHaveText("Live");
  await expect(notice).toHaveCount(0, { timeout: 10_000 });
  expect(await put("drop", "textarea", "image/png")).toBe(true);
  await expect(notice).toBeVisible();
  await expect(notice).toHaveCount(0, { timeout: 10_000 });
  await put("paste", "textarea", "image/png");
  await expect(notice).toBeVisible();
  await expect(notice).toHaveCount(0, { timeout: 10_000 });
  // The browser would open an address that is dropped outside the input; in the input it is text.
  expect(await put("drop", "section", "text/uri-list")).toBe(true);
  expect(await put("drop", "textarea", "text/plain")).toBe(false);
  expect(await put("paste", "textarea", "text/plain")).toBe(false);
  await expect(notice).toHaveCount(0);
});

test("copied messages have author, date and time, and no blank lines", async ({ room }) => {
  const robot = await room.robot();
  for (let i = 0; i < 90; i++) await robot.say(`message ${i} .`, i % 2 ? "bob" : "cy");
  const where = { locale: "en-GB", timezoneId: "Europe/London", viewport: { width: 1100, height: 600 } };
  const page = await room.join("ada", { ...where, permissions: ["clipboard-read", "clipboard-write"] });
  await say(page, "mine\nin two lines");
  await expect(said(page, "mine").getByLabel("Sent")).toBeVisible();
  await expect(said(page, "message 89 .")).toBeInViewport();
  const text = (words: string) => said(page, words).locator("[dir=auto]");
  const keyOf = (row: Locator) => row.evaluate((node) => node.closest("li")?.dataset.key ?? "");
  /** Selects from a place in the text `from` to the last letter but one of `to`. */
  const select = async (from: Locator, to: Locator, place: number) =>
    from.evaluate(
      (begin, [end, at]) => {
        const text = (node: Node | null) => document.createTreeWalker(node as Node, NodeFilter.SHOW_TEXT).nextNode();
        const last = text(document.querySelector(`li[data-key="${end}"] [dir=auto]`)) as Text;
        document.getSelection()?.setBaseAndExtent(text(begin) as Text, at, last, last.length - 1);
      },
      [await keyOf(to), place] as const,
    );
  const copy = async () => {
    await page.keyboard.press("Control+c");
    return page.evaluate(() => navigator.clipboard.readText());
  };
  await list(page).focus();
  await select(text("message 88 ."), text("mine"), 3);
  const stamp = /^\[\d{1,2} \w{3} \d{4}, \d\d:\d\d\] /gm;
  const lines = await copy();
  expect(lines.match(stamp)).toHaveLength(3);
  expect(lines.replace(stamp, "")).toBe("cy: sage 88 .\nbob: message 89 .\nada: mine\nin two line");
  // A piece of one message is copied as it is.
  await select(text("message 88 ."), text("message 88 ."), 2);
  expect(await copy()).toBe("ssage 88 ");
  // A triple click selects the paragraph and the beginning of the next element.
  await text("message 89 .").click({ clickCount: 3 });
  expect(await copy()).toBe("message 89 .");
  // From an author to a time, across rows that are not mounted.
  await page.evaluate(() => {
    const rows = [...document.querySelectorAll("article")];
    const [first, last] = [rows.at(-3), rows.at(-1)];
    document.getSelection()?.setBaseAndExtent(first?.firstChild as Node, 0, last as Node, last?.childNodes.length ?? 0);
  });
  expect((await copy()).replace(stamp, "")).toBe("cy: message 88 .\nbob: message 89 .\nada: mine\nin two lines");
  // The end of the selection stays mounted; the beginning moves there.
  const [key] = [await keyOf(text("message 89 .")), await select(text("message 89 ."), text("message 89 ."), 0)];
  await expect(async () => {
    await list(page).evaluate((scroller) => scroller.scrollTo(0, 0));
    await expect(text("message 42 .")).toBeInViewport({ timeout: 300 });
  }).toPass();
  await page.evaluate((end) => {
    const begin = [...document.querySelectorAll("article")].find((row) => row.textContent.includes("message 42 ."));
    const last = document.querySelector(`li[data-key="${end}"] [dir=auto]`) as Node;
    document.getSelection()?.setBaseAndExtent(begin as Node, 0, last, last.childNodes.length);
  }, key);
  const many = (await copy()).replace(stamp, "").split("\n");
  expect(many).toEqual(Array.from({ length: 48 }, (_, i) => `${i % 2 ? "bob" : "cy"}: message ${i + 42} .`));
});
