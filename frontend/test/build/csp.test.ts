import { createHash } from "node:crypto";

import { describe, expect, test, vi } from "vitest";

import { policy, withPolicy } from "../../scripts/csp.mjs";
import { firstLoad } from "../../scripts/size.mjs";

describe("the policy of a page", () => {
  const html = `<!DOCTYPE html><html><head><meta charSet="utf-8"/><title>x</title><script src="/a.js"></script></head><body><script>one()</script></body></html>`;

  test("names the inline scripts and the server, by http and by WebSocket", () => {
    const text = policy(html, "https://chat.example.com");
    const hash = createHash("sha256").update("one()").digest("base64");
    expect(text).toContain(`script-src 'self' 'sha256-${hash}';`);
    expect(text.match(/'sha256-/g)).toHaveLength(1);
    expect(text).toContain("connect-src 'self' https://chat.example.com wss://chat.example.com;");
    expect(policy(html, "http://127.0.0.1:8000")).toContain("http://127.0.0.1:8000 ws://127.0.0.1:8000");
    expect(text).not.toContain("unsafe");
  });

  test("comes once, before everything that it governs", () => {
    const marked = withPolicy(html, "https://chat.example.com");
    expect(marked.indexOf("Content-Security-Policy")).toBeLessThan(marked.indexOf("<script"));
    expect(() => withPolicy(marked, "https://chat.example.com")).toThrow(/already/);
  });

  test("fails the build of a page that it would break", () => {
    for (const bad of ['<p style="color:red">', "<style>p{}</style>", '<p onclick="x()">']) {
      expect(() => withPolicy(html.replace("<body>", `<body>${bad}`), "https://x.example")).toThrow(/inline/);
    }
  });

  test("the size of the first load counts styles and scripts, but not those for old browsers", () => {
    const page = `<link rel="stylesheet" href="/a.css"/><link rel="preload" href="/b.woff2"/>
      <script src="/a.js"></script><script src="/old.js" noModule=""></script>`;
    const read = vi.fn((name: string) => Buffer.from(name.endsWith("js") ? "a();" : "p {}".repeat(100)));
    expect(firstLoad(page, read)).toEqual({ JavaScript: expect.closeTo(24, -1), styles: expect.closeTo(30, -1) });
    expect(read.mock.calls).toEqual([["/a.js"], ["/a.css"]]);
  });
});
