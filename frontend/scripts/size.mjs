// Fails if the first page loads more JavaScript than the budget allows.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { scripts, site } from "./pages.mjs";

/** React, Next and the Socket.IO client are 148 of them: see docs/decisions/web-static.md. */
const budgetKb = 190;

/** The bytes of compressed JavaScript that a page loads. Without `nomodule` scripts, which only old browsers load. */
export function firstLoad(html, read) {
  return scripts(html)
    .filter(({ attributes }) => !/\snomodule/i.test(attributes))
    .map(({ src, text }) => (src === undefined ? Buffer.from(text) : read(src)))
    .reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const html = readFileSync(join(site, "index.html"), "utf8");
  const kb = firstLoad(html, (src) => readFileSync(join(site, src.split("?")[0]))) / 1000;
  console.log(`First load: ${kb.toFixed(1)} of ${budgetKb} kB of JavaScript`);
  if (kb > budgetKb) process.exitCode = 1;
}
