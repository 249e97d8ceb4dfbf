import { expect, test } from "vitest";

import { linkify } from "@/text/addresses";
import { below, seeded } from "../random";

const links = (text: string) => linkify(text).flatMap((piece) => (piece.kind === "link" ? [piece.text] : []));

test.each([
  ["https://example.com", ["https://example.com"]],
  ["see http://example.com/a?b=c#d.", ["http://example.com/a?b=c#d"]],
  ["www.example.com, www.example.org!", ["www.example.com", "www.example.org"]],
  ["(https://example.com/a_(b))", ["https://example.com/a_(b)"]],
  ["HTTPS://EXAMPLE.COM", ["HTTPS://EXAMPLE.COM"]],
  ["http://localhost:8000/x", ["http://localhost:8000/x"]],
  ["two https://a.example\nhttps://b.example", ["https://a.example", "https://b.example"]],
  ["no link: example.com, 1.2, a.b", []],
  ["javascript:alert(1) data:text/html,x file:///etc/passwd", []],
  ["javascript://www.example.com", ["www.example.com"]],
  ["https://user:secret@example.com https://bank.example@evil.example", []],
  ["https:// www. http://", []],
  ["xhttps://example.com", []],
  ["<https://example.com>", ["https://example.com"]],
  ["https://example.com/\u202egnp.exe", ["https://example.com/"]],
  // Letters that look like a slash or an @: the reader would see another host.
  ["https://bank.example\u2044login.evil.example", []],
  ["https://bank.example\u2215login.evil.example https://bank.example\u29f8a.evil.example", []],
  ["https://bank.example\uff20evil.example", []],
  ["https://bank.example\\@evil.example", []],
  ["https://m\u00fcnchen.example:8443/a?b", ["https://m\u00fcnchen.example:8443/a?b"]],
  ["http://[::1]:8000/x http://[evil]/", ["http://[::1]:8000/x"]],
  ["https://example.com\u3002\u8fd9\u662f", ["https://example.com"]],
  ["\u770bhttps://example.com/a\uff0c\u597d", ["https://example.com/a"]],
  ["https://en.example.org/wiki/Schr%C3%B6dinger's_cat", ["https://en.example.org/wiki/Schr%C3%B6dinger's_cat"]],
  ["'https://example.com/a'", ["https://example.com/a"]],
  // Parts of an address: of a mailbox, of another host, of another scheme.
  ["bob@www.example.com mailto:bob@www.example.com", []],
  ["ftp://bob@www.example.com bob+www.example.com", []],
  ["old.www.example.com not-www.example.com", []],
  ["git+https://example.com/a bob@https://example.com", []],
  [
    "-www.example.com: see=https://example.com Done.https://example.com",
    ["www.example.com", "https://example.com", "https://example.com"],
  ],
])("%j", (text, expected) => {
  expect(links(text)).toEqual(expected);
});

test("for any text the pieces are the text, and links lead to pages only", () => {
  const parts = [
    "https://",
    "www.",
    "a.b",
    "(",
    ")",
    ".",
    " ",
    "javascript:",
    "\n",
    "é",
    "😀",
    "@",
    "/",
    '"',
    "<",
    "%",
    "[",
    "]",
  ];
  const random = seeded(7);
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: below(random, 14) }, () => parts[below(random, parts.length)]).join("");
    const pieces = linkify(text);
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    for (const piece of pieces) if (piece.kind === "link") expect(piece.href).toMatch(/^https?:\/\//);
  }
});

test("P6 a long text of brackets and addresses takes no time", () => {
  const started = performance.now();
  linkify(`https://a.example/${")".repeat(4000)}`);
  linkify("https://a.".repeat(400));
  expect(performance.now() - started).toBeLessThan(5000);
});
