// `npm run sbom`: writes what chatd and the web app consist of, with versions and licences, as CycloneDX: dist/sbom-chatd.json
// and dist/sbom-web.json. That of chatd is read from a binary, built as for the image.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main } from "./problem.mjs";
import { environment, root } from "./processes.mjs";
import { setup } from "./setup.mjs";

const dist = join(root, "dist");

await main(async () => {
  await setup({ goTools: true });
  mkdirSync(dist, { recursive: true });
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const chatd = join(dist, "chatd");
  call("go", ["build", "-trimpath", "-ldflags=-s -w", "-o", chatd, "./server/cmd/chatd"]);
  const tool = join(root, "bin/tools/cyclonedx-gomod");
  const go = call(tool, ["bin", "-json", "-std", "-licenses", "-version", `v${version}`, chatd]);
  writeFileSync(join(dist, "sbom-chatd.json"), go);
  writeFileSync(join(dist, "sbom-web.json"), JSON.stringify(shipped(npmList()), null, 2));
  console.log("dist/sbom-chatd.json, dist/sbom-web.json");
});

function npmList() {
  return JSON.parse(call("npm", ["sbom", "--workspace=frontend", "--sbom-format=cyclonedx"]));
}

/**
 * Without what is for development, and without what is optional: the image service of Next, which an export does not have.
 * The list that npm itself makes with --omit=dev lacks React, because tools of the tests depend on it as well.
 */
function shipped(list) {
  const forTests = ({ properties }) => properties.some(({ name }) => name === "cdx:npm:package:development");
  const components = list.components.filter((part) => part.scope === "required" && !forTests(part));
  const kept = new Set([list.metadata.component, ...components].map((part) => part["bom-ref"]));
  const dependencies = list.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => kept.has(one)) }));
  return { ...list, components, dependencies };
}

function call(command, args) {
  const env = environment({ CGO_ENABLED: "0" });
  const stdio = ["ignore", "pipe", "inherit"];
  return execFileSync(command, args, { cwd: root, env, stdio, encoding: "utf8", maxBuffer: 64 << 20 });
}
