import { execFileSync } from "node:child_process";
import { expect, test } from "@playwright/test";
import { policy } from "../scripts/csp.mjs";
import { pages } from "../scripts/pages.mjs";
import { frontend, serverHost, siteFolder } from "./build";

test("pitfall 11: a production build without the address of a server fails, and says why", () => {
  test.setTimeout(240_000);
  const env = {
    ...process.env,
    NEXT_PUBLIC_SERVER_URL: "",
    WEB_OUT_DIR: "out-e2e-none",
    NEXT_TELEMETRY_DISABLED: "1",
  };
  let output = "";
  try {
    execFileSync("npm", ["run", "build", "--silent"], { cwd: frontend, env, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    output = stdout + stderr;
  }
  expect(output).toContain("NEXT_PUBLIC_SERVER_URL is not set");
});

test("every page of the site carries the policy that fits it", () => {
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
  expect(output).toMatch(/First load: 1\d\d\.\d of 180 kB/);
});
