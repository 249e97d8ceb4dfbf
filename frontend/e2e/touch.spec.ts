import type { Page } from "@playwright/test";
import { phone, still } from "./looking";
import { badge, composer, expect, fill, fromEnd, said, say, test } from "./room";

/* What a finger needs. */

/** The buttons, fields and choices that a fingertip misses: it is 44 pixels wide, unless another one is that near. */
async function missed(page: Page): Promise<string[]> {
  await still(page);
  return page.evaluate(() => {
    const kinds = "button, select, textarea, nav a, [role=option], label:has(input[type=radio], input[type=checkbox])";
    const within = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
    const isHit = (target: Element, x: number, y: number) => {
      const hit = document.elementFromPoint(x, y);
      const other = hit?.closest(kinds);
      return hit === null || target.contains(hit) || (other !== null && other !== undefined);
    };
    return [...within.querySelectorAll<HTMLElement>(kinds)]
      .filter((target) => {
        const { left, top, width, height } = target.getBoundingClientRect();
        const [x, y] = [left + width / 2, top + height / 2];
        if (width === 0 || !target.contains(document.elementFromPoint(x, y))) return false; // not seen, or covered
        const around = [
          [x, y - 21],
          [x, y + 21],
          [x - 21, y],
          [x + 21, y],
        ] as const;
        return !around.every(([left, top]) => isHit(target, left, top));
      })
      .map((target) => target.outerHTML.slice(0, 120));
  });
}

test("a finger hits each button, choice and room, and nothing is larger for it", async ({ room }) => {
  const robot = await room.robot();
  await room.robot("cats");
  await robot.say(`long ${"and longer ".repeat(200)}`, "Linus");
  await robot.say("hello", "Linus");
  const page = await room.join("ada", phone, room.server, "cats");
  await page.goto(room.siteUrl);
  await expect(badge(page)).toHaveText("Live");
  await expect(said(page, "hello")).toBeVisible();
  expect(await missed(page)).toEqual([]);

  await said(page, "hello").getByRole("button", { name: "More" }).tap();
  await expect(page.getByRole("menu")).toBeVisible();
  expect(await missed(page)).toEqual([]);
  await page.keyboard.press("Escape");

  for (const name of [/Settings/, /^Rooms/, /People$/]) {
    await page.getByRole("button", { name }).tap();
    await expect(page.getByRole("dialog")).toBeVisible();
    expect(await missed(page), String(name)).toEqual([]);
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).tap();
    await expect(page.getByRole("dialog")).toBeHidden();
  }
  await composer(page).pressSequentially("@L");
  await expect(page.getByRole("option")).toBeVisible();
  expect(await missed(page)).toEqual([]);
});

test("a reader at the end stays there when rows become lower", async ({ room }) => {
  const [robot, eve] = [await room.robot(), await room.robot()];
  await fill(robot, 30);
  const page = await room.join("ada", phone);
  for (let i = 0; i < 5; i++) {
    await say(page, `words ${i} as long as a phone is wide, so that the time has a line of its own`);
    await say(page, `short ${i} .`); // takes the time from the first one
    await expect(said(page, `short ${i} .`).getByLabel("Sent")).toBeVisible();
    await robot.say(`answer ${i} .`);
    await expect(said(page, `answer ${i} .`)).toBeInViewport();
  }
  await eve.say("to be hidden", "eve");
  await expect(said(page, "to be hidden")).toBeInViewport();
  await said(page, "to be hidden").getByRole("button", { name: "More" }).tap();
  await page.getByRole("menuitem", { name: "Hide eve" }).tap();
  await expect(said(page, "to be hidden")).toHaveCount(0);
  await robot.say("what came then");
  await expect(said(page, "what came then")).toBeInViewport();
  await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
});
