import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";

interface Vercel {
  framework: string | null;
  installCommand: string;
  buildCommand: string;
  outputDirectory: string;
  headers: { source: string; headers: { key: string; value: string }[] }[];
}

const frontend = fileURLToPath(new URL("../..", import.meta.url));
const readJSON = <T>(path: string) => JSON.parse(readFileSync(join(frontend, path), "utf8")) as T;
const vercel = readJSON<Vercel>("vercel.json");

/** The headers of a path. The last rule that names a header wins. */
function headersOf(path: string): Map<string, string> {
  const matching = vercel.headers.filter(({ source }) => {
    // The test understands only this part of Vercel's patterns.
    expect(source.replaceAll("(.*)", "")).toMatch(/^[\w/]*$/);
    return new RegExp(`^${source}$`).test(path);
  });
  return new Map(matching.flatMap(({ headers }) => headers.map(({ key, value }) => [key.toLowerCase(), value])));
}

const hashed = ["/_next/static/chunks/0a1b2c.js", "/_next/static/media/inter.0a1b2c.woff2"];
const lasting = ["/", "/index", "/index.txt", "/404", "/icon.svg", "/_next/image", "/nowhere/_next/static/a.js"];

afterEach(() => void vi.unstubAllEnvs());

test("Vercel publishes the folder that the build writes", async () => {
  vi.stubEnv("WEB_OUT_DIR", "");
  vi.resetModules();
  const { default: next } = await import("../../next.config");
  const { site } = await import("../../scripts/pages.mjs");
  const published = resolve(frontend, vercel.outputDirectory);
  // `out` is the default of Next's export.
  expect(next.output).toBe("export");
  expect(resolve(frontend, next.distDir ?? "out")).toBe(published);
  // The folder in which the policies are written.
  expect(resolve(site)).toBe(published);
});

test("Vercel builds with the usual command and serves plain files", () => {
  const { scripts } = readJSON<{ scripts: Record<string, string> }>("package.json");
  expect(vercel.framework).toBeNull();
  expect(vercel.buildCommand).toBe("npm run build");
  expect(scripts.build).toMatch(/^next build && node scripts\/csp\.mjs\b/);
  // The only lock file is that of the repository, one folder up.
  expect(vercel.installCommand).toBe("cd .. && npm ci");
  expect(existsSync(join(frontend, "../package-lock.json"))).toBe(true);
});

test.each([...hashed, ...lasting])("%s has the protective headers", (path) => {
  const headers = headersOf(path);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  // A policy in a page cannot contain this; it contains the rest.
  expect(headers.get("content-security-policy")).toBe("frame-ancestors 'none'");
  expect(Number(/^max-age=(\d+)/.exec(headers.get("strict-transport-security") ?? "")?.[1])).toBeGreaterThan(
    31_000_000,
  );
});

test("no file is immutable: the rule would also cover the 404 of a removed file", () => {
  for (const path of [...hashed, ...lasting]) expect(headersOf(path).get("cache-control")).toBeUndefined();
});
