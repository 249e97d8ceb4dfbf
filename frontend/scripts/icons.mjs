// Draws the pictures of the site that cannot be SVG from icons/ and src/app/icon.svg, with Chromium. Its output is
// committed; run it after a change of the sources: npm run icons.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const font = fileURLToPath(import.meta.resolve("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"));

const pictures = [
  { from: "icons/touch.svg", to: "src/app/apple-icon.png", width: 180 },
  { from: "icons/touch.svg", to: "public/icon-192.png", width: 192 },
  { from: "icons/touch.svg", to: "public/icon-512.png", width: 512 },
  { from: "icons/opengraph.svg", to: "public/opengraph.png", width: 1200, height: 630 },
];

/** Browsers and crawlers that ask for /favicon.ico choose from these. */
const iconSizes = [16, 32, 48];

/** An icon file: a directory of pictures, followed by the pictures as PNG. */
export function ico(images) {
  const directory = Buffer.alloc(6 + 16 * images.length);
  directory.writeUInt16LE(1, 2);
  directory.writeUInt16LE(images.length, 4);
  let offset = directory.length;
  for (const [i, { size, png }] of images.entries()) {
    const entry = 6 + 16 * i;
    directory.writeUInt8(size % 256, entry);
    directory.writeUInt8(size % 256, entry + 1);
    directory.writeUInt16LE(1, entry + 4); // planes
    directory.writeUInt16LE(32, entry + 6); // bits of a pixel
    directory.writeUInt32LE(png.length, entry + 8);
    directory.writeUInt32LE(offset, entry + 12);
    offset += png.length;
  }
  return Buffer.concat([directory, ...images.map(({ png }) => png)]);
}

async function draw(page, svg, width, height = width) {
  await page.setViewportSize({ width, height });
  const face = `@font-face{font-family:Inter;font-weight:100 900;src:url(data:font/woff2;base64,${readFileSync(font, "base64")})}`;
  await page.setContent(`<style>${face}body{margin:0}svg{display:block;width:100vw;height:100vh}</style>${svg}`);
  await page.evaluate(() => document.fonts.ready);
  return page.screenshot({ omitBackground: true });
}

async function main() {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage();
  mkdirSync(at("public"), { recursive: true });
  for (const { from, to, width, height } of pictures) {
    writeFileSync(at(to), await draw(page, readFileSync(at(from), "utf8"), width, height));
  }
  const icon = readFileSync(at("src/app/icon.svg"), "utf8");
  const images = [];
  for (const size of iconSizes) images.push({ size, png: await draw(page, icon, size) });
  writeFileSync(at("src/app/favicon.ico"), ico(images));
  await browser.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
