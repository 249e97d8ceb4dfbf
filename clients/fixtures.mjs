import { readFileSync } from "node:fs";

/** fixture reads one of the golden files that the Go tests and the web app's tests read too. */
export function fixture(name) {
  return JSON.parse(readFileSync(new URL(`../protocol/fixtures/${name}.json`, import.meta.url), "utf8"));
}
