import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { policy } from "../scripts/csp.mjs";
import { pages } from "../scripts/pages.mjs";
import { frontend, serverHost, siteFolder } from "./build";

test("pitfall 11: a production build without a server address fails by itself and says why", () => {
  test.setTimeout(240_000);
  const folder = join(frontend, "out-e2e-none");
  rmSync(folder, { recursive: true, force: true });
  // Not `npm run build`: its later steps would fail too, and hide that `next build` did not.
  const { status, stdout, stderr } = spawnSync("npx", ["--no-install", "next", "build"], {
    cwd: frontend,
    // Empty instead of absent: a developer's .env.local would fill it in.
    env: { ...process.env, NEXT_PUBLIC_SERVER_URL: "", WEB_OUT_DIR: "out-e2e-none", NEXT_TELEMETRY_DISABLED: "1" },
    encoding: "utf8",
  });
  expect(stdout + stderr).toContain("NEXT_PUBLIC_SERVER_URL is not set");
  expect(status).toBe(1);
  expect(existsSync(join(folder, "index.html"))).toBe(false);
});

test("every page of the site carries its own policy", () => {
  const built = pages(siteFolder);
  expect(built.length).toBeGreaterThanOrEqual(2);
  for (const { path, html } of built) {
    const [, content] = /<meta http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
    expect(content, path).toBe(policy(html, `http://${serverHost}`));
  }
});

test("the first load stays within its budget", () => {
  const output = execFileSync("npm", ["run", "size", "--silent"], {
    cwd: frontend,
    env: { ...process.env, WEB_OUT_DIR: "out-e2e" },
    encoding: "utf8",
  });
  expect(output).toMatch(/First load: 1\d\d\.\d of 190 kB/);
});
