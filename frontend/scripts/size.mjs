// Fails if the first page loads more JavaScript, or more styles before it is painted, than the budgets allow.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { scripts, site, styles } from "./pages.mjs";

/** React, Next and the Socket.IO client are 148 of the scripts: see docs/decisions/web-static.md. */
const budgetsKb = { JavaScript: 190, styles: 6 };

/**
 * The bytes of compressed files that a page loads. Of its scripts, those of old browsers (`nomodule`) do not count. All of
 * its styles block the first paint.
 */
export function firstLoad(html, read) {
  const files = scripts(html)
    .filter(({ attributes }) => !/\snomodule/i.test(attributes))
    .map(({ src, text }) => (src === undefined ? Buffer.from(text) : read(src)));
  return { JavaScript: compressed(files), styles: compressed(styles(html).map((href) => read(href))) };
}

/** Each file is compressed by itself, as it is served. */
function compressed(files) {
  return files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const html = readFileSync(join(site, "index.html"), "utf8");
  const sizes = firstLoad(html, (src) => readFileSync(join(site, src.split("?")[0])));
  for (const [what, bytes] of Object.entries(sizes)) {
    console.log(`First load: ${(bytes / 1000).toFixed(1)} of ${budgetsKb[what]} kB of ${what}`);
    if (bytes > 1000 * budgetsKb[what]) process.exitCode = 1;
  }
}
