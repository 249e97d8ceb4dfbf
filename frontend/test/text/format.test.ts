import { describe, expect, test } from "vitest";

import { format, mayHaveFormat } from "@/text/format";
import { below, seeded } from "../random";
import { depth, leaves, outline } from "./trees";

const shown = (text: string) => outline(format(text));
const whole = (text: string) =>
  leaves(format(text))
    .map((leaf) => leaf.text)
    .join("");

describe("within a line", () => {
  test.each([
    ["**bold** *italics* `code`", "<b>bold</b> <i>italics</i> <code>code</code>"],
    ["***both***", "<i><b>both</b></i>"],
    ["**bold and *italics***", "<b>bold and <i>italics</i></b>"],
    ["*italics **and bold***", "<i>italics <b>and bold</b></i>"],
    ["**two\nlines**", "<b>two\nlines</b>"],
    ["*a* and *b*", "<i>a</i> and <i>b</i>"],
    ["(*a*), *b*!", "(<i>a</i>), <i>b</i>!"],
    ["这是**重点。**吗 これは**「強調」**です", "这是<b>重点。</b>吗 これは<b>「強調」</b>です"],
    ["*שלום* **مرحبا**", "<i>שלום</i> <b>مرحبا</b>"],
    ["*❤️* **👩‍👩‍👧**", "<i>❤️</i> <b>👩‍👩‍👧</b>"],
    ["``a ` b`` and `` `c` ``", "<code>a ` b</code> and <code>`c`</code>"],
    [
      "`**a**` `https://a.example` `<script>`",
      "<code>**a**</code> <code>https://a.example</code> <code><script></code>",
    ],
    ["`a\\`", "<code>a\\</code>"],
    ["**`a`**", "<b><code>a</code></b>"],
    ["**https://a.example**", "<b><a>https://a.example</a></b>"],
    ["*see https://a.example/b*", "<i>see <a>https://a.example/b</a></i>"],
    ["https://a.example/*b*c", "<a>https://a.example/*b*c</a>"],
    ["\\*a\\* \\`b\\`", "*a* `b`"],
    ["```one line```", "<code>one line</code>"],
  ])("%j", (text, expected) => {
    expect(shown(text)).toBe(`<p>${expected}</p>`);
    expect(whole(text)).toBe(text);
  });

  test.each([
    "2 * 3 * 4, 5*3*2, a*b*c, f(*args, **kwargs)",
    "*a * **",
    "snake_case_name __init__ _x_ ~~gone~~",
    "C:\\users\\*.txt ¯\\_(ツ)_/¯",
    "*\u200bhidden\u200b* **\u2060**",
    "**not\n\nacross a blank line**",
    "`one ``two",
    "# no heading, ![no](image) [no](javascript:alert(1)) <b>no</b>",
    "`".repeat(4000),
    "*".repeat(4000),
    "a ** b",
    ">_< >:( >5 -5 -a 1.5 2)",
    "+1",
  ])("nothing: %j", (text) => {
    const visible = text.replaceAll("\\*", "*");
    expect(shown(text)).toBe(`<p>${visible}</p>`);
    expect(whole(text)).toBe(text);
  });
});

describe("blocks", () => {
  test.each([
    ["```\na\n b\n```", "<fence >a\n b</fence>"],
    ["```js\nlet a = `b`;\n```\nafter", "<fence js>let a = `b`;</fence><p>after</p>"],
    ["before\n\n```\n\na\n\n```", "<p>before</p><fence >\na\n</fence>"],
    ["````\n```\na\n```\n````", "<fence >```\na\n```</fence>"],
    ["```\nno end **a**\n> b", "<fence >no end **a**\n> b</fence>"],
    ["```\n```", "<p>```\n```</p>"],
    ["```", "<p>```</p>"],
    ["> a\n> b\nc", "<quote><p>a\nb</p></quote><p>c</p>"],
    ["> **a\n> b**", "<quote><p><b>a\nb</b></p></quote>"],
    ["> `a\n> b`", "<quote><p><code>a\nb</code></p></quote>"],
    ["> a\n>\n> b", "<quote><p>a\n\nb</p></quote>"],
    ["> a\n>> b\n> > c", "<quote><p>a</p><quote><p>b\nc</p></quote></quote>"],
    ["> ```\n> a\n> > b\n> ```\n> c", "<quote><fence >a\n> b</fence><p>c</p></quote>"],
    ["> ```\n> a\nb", "<quote><fence >a</fence></quote><p>b</p>"],
    [">", "<p>></p>"],
    ["> \n>", "<p>> \n></p>"],
    ["- a\n- b **c**", "<li><p>a</p></li><li><p>b <b>c</b></p></li>"],
    ["* a\n  more\n\n* b\nc", "<li><p>a\nmore</p></li><li><p>b</p></li><p>c</p>"],
    ["7. a\n9) b", "<li 7.><p>a</p></li><li 9)><p>b</p></li>"],
    ["- a\n  - b\n    - c\n- d", "<li><p>a</p><li><p>b</p><li><p>c</p></li></li></li><li><p>d</p></li>"],
    ["1. a\n   ```\n   b\n   ```\n2. c", "<li 1.><p>a</p><fence >b</fence></li><li 2.><p>c</p></li>"],
    ["- > a\n  > b", "<li><quote><p>a\nb</p></quote></li>"],
    ["> - a\n> - b", "<quote><li><p>a</p></li><li><p>b</p></li></quote>"],
    ["- a\n1. b", "<li><p>a</p></li><li 1.><p>b</p></li>"],
    ["a\n- b\n\nc", "<p>a</p><li><p>b</p></li><p>c</p>"],
    ["- - -\n***\n* * *", "<p>- - -\n***\n* * *</p>"],
    ["-\n1.\n- ", "<p>-\n1.\n- </p>"],
    ["> a\r\n> b\r\n", "<quote><p>a\r\nb\r</p></quote>"],
  ])("%j", (text, expected) => {
    expect(shown(text)).toBe(expected);
    expect(whole(text)).toBe(text);
  });

  test("within each other end at a depth, and the rest is text", () => {
    for (const text of [
      `${">".repeat(2000)} a`,
      `${"> ".repeat(2000)}a`,
      `${"- ".repeat(2000)}a`,
      `${"> - 1. ".repeat(500)}a`,
    ]) {
      expect(depth(format(text))).toBeLessThan(20);
      expect(whole(text)).toBe(text);
      expect(shown(text)).toMatch(/a<\/p>/);
    }
    for (const text of ["*a **b ".repeat(1000) + "** *".repeat(1000), `${"*".repeat(2000)}a${"*".repeat(2000)}`]) {
      expect(depth(format(text))).toBeLessThan(10);
      expect(whole(text)).toBe(text);
    }
  });
});

/** Pieces that mean something, alone or next to each other. */
const pieces = [
  ..."*`>-\\ \n\ta1.)_~<\u200b\u202e\u{1F600}\ud83dא重。",
  ..."**|***|``|```|````|\n```\n|> |>> |- |1. |  |\n\n|\r\n|\n- |\n  - |\n> ".split("|"),
  ..."https://a.example|javascript:alert(1)|data:text/html,x|<script>|</style>|<img src=x onerror=y>|&lt;".split("|"),
];

function randomText(random: () => number): string {
  return Array.from({ length: 1 + below(random, 40) }, () => pieces[below(random, pieces.length)]).join("");
}

describe("any text", () => {
  test("comes out whole, of known nodes, with nothing hidden but marks", () => {
    const random = seeded(13);
    const kinds = new Set(["text", "marker", "link"]);
    for (let i = 0; i < 10_000; i++) {
      const text = randomText(random);
      const all = leaves(format(text));
      expect(all.map((leaf) => leaf.text).join("")).toBe(text);
      for (const leaf of all) {
        expect(kinds.has(leaf.kind)).toBe(true);
        expect(leaf.text).not.toBe("");
        if (leaf.kind === "marker") expect(leaf.text).toMatch(/^[*`>\\\s-]+$/);
        if ("href" in leaf) expect(leaf.href).toMatch(/^https?:\/\//);
      }
      expect(depth(format(text))).toBeLessThan(24);
    }
  });

  test("without marks is one text, and needs no tree", () => {
    const random = seeded(14);
    for (let i = 0; i < 10_000; i++) {
      const text = randomText(random).trim();
      if (text === "" || mayHaveFormat(text)) continue;
      const [only, ...others] = format(text);
      expect(others).toEqual([]);
      expect(only && "inside" in only && leaves([only]).every((leaf) => leaf.kind !== "marker")).toBe(true);
    }
  });

  test.each([
    ["stars", (n: number) => "*a **b ".repeat(n / 7)],
    ["closing stars", (n: number) => "a* b** ".repeat(n / 7)],
    ["runs of all lengths", (n: number) => Array.from({ length: Math.sqrt(n) }, (_, i) => "`".repeat(i + 1)).join(" ")],
    ["code", (n: number) => "`a` ".repeat(n / 4)],
    ["code over lines", (n: number) => "`a\n` ".repeat(n / 5)],
    ["quotes", (n: number) => "> > > > > > > a\n".repeat(n / 16)],
    ["lists", (n: number) => "- a\n  - b\n\n".repeat(n / 11)],
    ["lists of two kinds", (n: number) => "- a\n1. a\n\n".repeat(n / 10)],
    ["fences", (n: number) => "```\n````\n".repeat(n / 9)],
    ["brackets of tags", (n: number) => "<script>*".repeat(n / 9)],
    ["escapes", (n: number) => "\\*\\`".repeat(n / 4)],
    ["blank lines", (n: number) => `- a${"\n".repeat(n)}b`],
    ["one run", (n: number) => "*".repeat(n)],
  ])("takes time in proportion to its length: %s", (_name, make) => {
    // A square would take 64 times as long. The machine may be busy: the shortest times count.
    const [short, long] = [make(20_000), make(160_000)];
    let [shortMs, longMs] = [Infinity, Infinity];
    for (let round = 0; round < 10 && !(longMs < 24 * shortMs); round++) {
      longMs = Math.min(longMs, time(long));
      shortMs = Math.max(Math.min(shortMs, time(short)), 4);
    }
    expect(longMs).toBeLessThan(24 * shortMs);
  });
});

function time(text: string): number {
  const started = performance.now();
  format(text);
  return performance.now() - started;
}
