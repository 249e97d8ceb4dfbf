// Tests that the lists of parts name what is shipped, with licences, and nothing else.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { environment, root } from "./processes.mjs";

test("the lists of parts name what is shipped, and nothing that is not", () => {
  execFileSync(process.execPath, ["scripts/sbom.mjs"], { cwd: root, env: environment(), stdio: "pipe" });
  for (const [name, has, hasNot] of [
    ["chatd", ["github.com/zishang520/socket.io/v2", "github.com/redis/go-redis/v9", "std"], ["clients"]],
    ["web", ["next", "react", "socket.io-client"], ["clients", "sharp", "vitest", "@biomejs/biome"]],
  ]) {
    const list = JSON.parse(readFileSync(join(root, `dist/sbom-${name}.json`), "utf8"));
    assert.equal(list.bomFormat, "CycloneDX");
    const names = list.components.map((part) => (part.group ? `${part.group}/${part.name}` : part.name));
    for (const part of has) assert.ok(names.includes(part), `${part} is not in ${names}`);
    for (const part of hasNot) assert.ok(!names.includes(part), `${part} is in the list of ${name}`);
    for (const part of list.components) {
      assert.ok(part.version, `${part.name} has no version`);
      assert.ok(part.licenses ?? part.evidence?.licenses ?? part.name === "std", `${part.name} has no licence`);
    }
  }
});
