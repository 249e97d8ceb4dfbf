import { defineConfig } from "@playwright/test";

/** Debian's Chromium; nothing is downloaded. Each test starts its own browser and its own server: see e2e/room.ts. */
export default defineConfig({
  testDir: "e2e",
  globalSetup: "./e2e/build.ts",
  outputDir: "test-results",
  workers: 1,
  forbidOnly: true,
  reporter: [["list"]],
  timeout: 90_000,
  expect: { timeout: 20_000 },
});
