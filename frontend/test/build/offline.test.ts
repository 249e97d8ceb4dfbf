import { expect, test } from "vitest";
import { buildOf, workerOf } from "../../scripts/offline.mjs";

const html = `<html><link rel="preload" href="/_next/static/media/inter.0a1b.woff2?dpl=1" as="font"/>
<script src="/_next/static/chunks/old.js?dpl=1" noModule=""></script><script src="/_next/static/chunks/app.js"></script></html>`;
const chunks = ["room.js", "old.js", "app.js", "app.css"];

test("the worker keeps what a build needs, and not what only old browsers load", () => {
  const { files, known } = buildOf(html, chunks);
  expect(files).toEqual(
    ["chunks/app.css", "chunks/app.js", "chunks/room.js", "media/inter.0a1b.woff2"].map((at) => `/_next/static/${at}`),
  );
  expect(known).toContain("/_next/static/chunks/old.js");
});

test("another page or another file makes another version, and the order of files does not", () => {
  const version = (page: string, names: readonly string[]) => buildOf(page, names).version;
  expect(version(html, chunks.toReversed())).toBe(version(html, chunks));
  expect(version(`${html} `, chunks)).not.toBe(version(html, chunks));
  expect(version(html, [...chunks, "more.js"])).not.toBe(version(html, chunks));
});

test("the worker is small", () => {
  expect(workerOf(html, chunks).split("\n").length).toBeLessThanOrEqual(150);
});
