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

/** The headers of a path; of rules that name the same header, the last one wins. */
function headersOf(path: string): Map<string, string> {
  const matching = vercel.headers.filter(({ source }) => {
    // More of Vercel's patterns is not needed, and would not be understood here.
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
  // `out` is where Next exports to unless it is told otherwise.
  expect(next.output).toBe("export");
  expect(resolve(frontend, next.distDir ?? "out")).toBe(published);
  // Where the policies are written to.
  expect(resolve(site)).toBe(published);
});

test("Vercel builds the way everybody does, and takes it for what it is: files", () => {
  const { scripts } = readJSON<{ scripts: Record<string, string> }>("package.json");
  expect(vercel.framework).toBeNull();
  expect(vercel.buildCommand).toBe("npm run build");
  expect(scripts.build).toMatch(/^next build && node scripts\/csp\.mjs\b/);
  // The one lock file is that of the repository, a folder up.
  expect(vercel.installCommand).toBe("cd .. && npm ci");
  expect(existsSync(join(frontend, "../package-lock.json"))).toBe(true);
});

test.each([...hashed, ...lasting])("%s comes with the headers that protect", (path) => {
  const headers = headersOf(path);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  // A policy in a page cannot say this; the rest of it is there.
  expect(headers.get("content-security-policy")).toBe("frame-ancestors 'none'");
  expect(Number(/^max-age=(\d+)/.exec(headers.get("strict-transport-security") ?? "")?.[1])).toBeGreaterThan(
    31_000_000,
  );
});

test("nothing is kept for good: such a rule would hold for the 404 of a file that a deployment took away, too", () => {
  for (const path of [...hashed, ...lasting]) expect(headersOf(path).get("cache-control")).toBeUndefined();
});
