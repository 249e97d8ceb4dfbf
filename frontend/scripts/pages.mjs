import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the last build. */
export const site = fileURLToPath(new URL(`../${process.env.WEB_OUT_DIR || "out"}`, import.meta.url));

/** The paths and texts of the pages of a site. */
export function pages(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".html"))
    .sort()
    .map((name) => ({ path: join(folder, name), html: readFileSync(join(folder, name), "utf8") }));
}

/** The script elements of a page: their attributes as written and their text. */
export function scripts(html) {
  return Array.from(html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g), ([, attributes, text]) => ({
    attributes,
    text,
    src: /\ssrc="([^"]*)"/.exec(attributes)?.[1],
  }));
}

/** The addresses of the style sheets of a page. */
export function styles(html) {
  const links = Array.from(html.matchAll(/<link\b[^>]*>/g), ([link]) => link);
  return links.filter((link) => /\srel="stylesheet"/.test(link)).map((link) => /\shref="([^"]*)"/.exec(link)[1]);
}
