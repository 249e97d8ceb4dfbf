// Runs after `next build`: writes the worker that opens the page without a network, with the names of this build's files.
// NEXT_PUBLIC_OFFLINE=off writes one that removes itself, and what an earlier build kept.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { scripts, site } from "./pages.mjs";

const source = (name) => readFileSync(fileURLToPath(new URL(`../worker/${name}.js`, import.meta.url)), "utf8");

/**
 * What a build consists of: `known` are all its files of code and style, `files` those that the worker keeps. Scripts for
 * old browsers and alphabets other than that of the form are not kept: such a browser has no worker, and such a text has
 * a font of the system.
 */
export function buildOf(html, chunks) {
  const known = chunks.map((name) => `/_next/static/chunks/${name}`).sort();
  const old = scripts(html)
    .filter(({ attributes }) => /\snomodule/i.test(attributes))
    .map(({ src }) => src.split("?")[0]);
  const fonts = Array.from(html.matchAll(/<link[^>]*href="([^"?]*\.woff2)/g), ([, href]) => href);
  const files = [...new Set([...known.filter((path) => !old.includes(path)), ...fonts])];
  const version = createHash("sha256").update(html).update(files.join()).digest("hex").slice(0, 16);
  return { version, files, known };
}

/** The text of the worker. */
export function workerOf(html, chunks) {
  return `const build = ${JSON.stringify(buildOf(html, chunks))};\n${source("offline")}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const off = process.env.NEXT_PUBLIC_OFFLINE === "off";
  const html = readFileSync(join(site, "index.html"), "utf8");
  const chunks = readdirSync(join(site, "_next/static/chunks"), { recursive: true }).filter((name) =>
    /\.(js|css)$/.test(name),
  );
  writeFileSync(join(site, "sw.js"), off ? source("removed") : workerOf(html, chunks));
  console.log(off ? "Worker: removed" : "Worker written for use without a network");
}
