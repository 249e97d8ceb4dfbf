import { defineConfig } from "@playwright/test";
import base from "./playwright.config";

/** `npm run screenshots` takes the pictures of the README. */
export default defineConfig(base, { testDir: "screenshots" });
