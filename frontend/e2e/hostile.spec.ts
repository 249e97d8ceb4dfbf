import { wide } from "./looking";
import { articles, badge, expect, list, said, say, test } from "./room";

/* What others or earlier pages do to harm the page. */

const browserKeys = ["tag", "username", "guest", "hidden", "look", "wishes", "rooms", "read"];
const tabKeys = ["joined", "names", "authors", "welcome", "outbox", "draft"];

test("whatever is stored, the page comes to life, takes a message and keeps it over a reload", async ({ room }) => {
  test.setTimeout(240_000);
  const page = await room.join("ada", wide);
  const values = [
    "",
    "{",
    "null",
    "1e999",
    "[null,[],{},1e999]",
    '{"id":{},"token":[],"theme":{},"about":7,"user":{"id":7},"limits":[],"rooms":7}',
    '[{"id":"a","username":"b","text":"c","at":1e300},{"id":"a","name":"b"},{"id":"a","name":"c"}]',
    '{"id":"g","token":"not a token","user":{"id":"u","guest":false,"name":"x"},"limits":{"messageChars":0,"historyMessages":0}}',
    "x".repeat(100_000),
    "18446744073709551615-18446744073709551615",
  ];
  for (const [n, value] of values.entries()) {
    await page.evaluate(
      ([keys, tab, text]) => {
        for (const key of keys) localStorage.setItem(`chat.${key}`, text);
        for (const key of tab) sessionStorage.setItem(`chat.${key}`, text);
      },
      [browserKeys, tabKeys, value] as const,
    );
    await page.reload();
    await expect(badge(page)).toHaveText("Live");
    await say(page, `message after value ${n}`);
    await expect(said(page, `message after value ${n}`).getByLabel("Sent")).toBeVisible();
    await page.reload();
    await expect(said(page, `message after value ${n}`)).toBeVisible();
  }
});

test("names and texts that spread, hide or turn stay within their places", async ({ room }) => {
  const marks = "\u0301".repeat(31);
  const names = [
    `Z${marks}`,
    "\u202eeve\u202c",
    "ada\u200b",
    "@everyone",
    "everyone",
    "a name with spaces",
    "👩🏽‍🚀👩‍👩‍👧‍👦",
    "שרה",
    "W".repeat(64),
    "ada lovelace",
  ];
  const page = await room.join("ada", wide);
  const robots = await Promise.all(names.map(() => room.robot()));
  for (const [n, name] of names.entries()) await robots[n]?.say(`said by number ${n} to @ada and @everyone`, name);
  const last = said(page, `said by number ${names.length - 1} `);
  await expect(last).toBeVisible();
  const author = (n: number) =>
    said(page, `said by number ${n} `)
      .locator("p", { has: page.locator("bdi") })
      .first();
  const heights = await Promise.all(names.map(async (_, n) => (await author(n).boundingBox())?.height));
  expect(new Set(heights).size).toBe(1);
  await expect(author(1)).toHaveText("eve");
  // The imitator is somebody else: on the other side, with another colour, and the header says that the name is taken.
  await expect(author(2)).toHaveText("ada");
  await expect(said(page, "said by number 2 ").getByText("(you)")).toHaveCount(0);
  await expect(page.getByRole("button", { name: /Somebody else uses it too/ })).toBeVisible();
  for (const [n] of names.entries()) {
    const mentions = said(page, `said by number ${n} `).locator("[data-text] bdi");
    await expect(mentions).toHaveText(["@ada", "@everyone"]);
    expect(await mentions.evaluateAll((nodes) => nodes.map((node) => node.hasAttribute("data-me")))).toEqual([
      true,
      false,
    ]);
  }
  expect(await list(page).evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
  // Marks upon marks would cover what others said.
  await robots[0]?.say(`tall Z${"\u0301".repeat(3000)}`);
  const bubble = said(page, "tall Z").locator("[data-bubble]");
  await expect(bubble).toHaveCSS("overflow-y", "clip");
  await expect(bubble).toHaveCSS("overflow-x", "visible"); // its time is beside it
  await expect(articles(page).locator("[data-initial]").first()).toHaveCSS("overflow-x", "hidden");
});
