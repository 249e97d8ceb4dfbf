// Runs after `next build`: writes a Content-Security-Policy into each page. A static site has no server of ours that
// could send a header, and the inline scripts are known only now.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { pages, scripts, site } from "./pages.mjs";

/** The policy of one page that talks to one server. */
export function policy(html, serverUrl) {
  const { origin, protocol, host } = new URL(serverUrl);
  const socket = `${protocol === "https:" ? "wss:" : "ws:"}//${host}`;
  const hashes = scripts(html)
    .filter(({ src, text }) => src === undefined && text !== "")
    .map(({ text }) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  return [
    "default-src 'none'",
    `script-src 'self' ${[...new Set(hashes)].join(" ")}`.trimEnd(),
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",
    "manifest-src 'self'",
    `connect-src 'self' ${origin} ${socket}`,
    "base-uri 'none'",
    "form-action 'self'",
  ].join("; ");
}

/** withPolicy inserts the policy before everything that it governs. */
export function withPolicy(html, serverUrl) {
  if (/http-equiv="Content-Security-Policy"/i.test(html)) throw new Error("The page has a policy already.");
  if (/<style|\sstyle="|\son[a-z]+="/i.test(html.replace(/<script[\s\S]*?<\/script>/g, ""))) {
    throw new Error("The page has inline styles or handlers, which the policy forbids.");
  }
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy(html, serverUrl)}"/>`;
  const marked = html.replace(/<head[^>]*>(?:<meta charSet="utf-8"\/>)?/i, (head) => head + meta);
  if (marked === html) throw new Error("The page has no head.");
  return marked;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const serverUrl = process.env.NEXT_PUBLIC_SERVER_URL;
  if (!serverUrl) throw new Error("NEXT_PUBLIC_SERVER_URL is not set.");
  for (const { path, html } of pages(site)) writeFileSync(path, withPolicy(html, serverUrl));
  console.log(`Policy written for ${new URL(serverUrl).origin}`);
}
