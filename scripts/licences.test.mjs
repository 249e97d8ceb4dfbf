// Tests that the licences of all dependencies are known, allowed, and listed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dependencies, isAllowed, table } from "./licences.mjs";
import { root } from "./processes.mjs";

test("every dependency of what is shipped is listed with a licence that is allowed", () => {
  const all = dependencies();
  assert.ok(all.length > 60, `found ${all.length} only`);
  assert.deepEqual(
    all.filter(({ licence }) => !isAllowed(licence)),
    [],
  );
  assert.equal(readFileSync(join(root, "docs/LICENCES.md"), "utf8"), table(), "npm run licences");
});

test("a choice of licences needs one that is allowed, several together need all", () => {
  for (const [licence, ok] of Object.entries({
    MIT: true,
    "(MIT OR GPL-3.0-only)": true,
    "Apache-2.0 AND MIT": true,
    "Apache-2.0 AND GPL-3.0-only": false,
    "AGPL-3.0": false,
    unknown: false,
  })) {
    assert.equal(isAllowed(licence), ok, licence);
  }
});
