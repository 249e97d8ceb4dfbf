// `npm run sbom`: writes what chatd and the web app consist of, with versions and licences, as CycloneDX: dist/sbom-chatd.json
// and dist/sbom-web.json.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main } from "./problem.mjs";
import { environment, root } from "./processes.mjs";
import { setup } from "./setup.mjs";

await main(async () => {
  await setup({ goTools: true });
  const dist = join(root, "dist");
  mkdirSync(dist, { recursive: true });
  const env = environment({ GOWORK: "off" });
  const chatd = join(dist, "sbom-chatd.json");
  const tool = join(root, "bin/tools/cyclonedx-gomod");
  execFileSync(tool, ["app", "-json", "-licenses", "-main", "cmd/chatd", "-output", chatd, "."], {
    cwd: join(root, "server"),
    env,
    stdio: "inherit",
  });
  const web = execFileSync("npm", ["sbom", "--omit=dev", "--sbom-format=cyclonedx"], {
    cwd: root,
    env,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  writeFileSync(join(dist, "sbom-web.json"), web);
  console.log("dist/sbom-chatd.json, dist/sbom-web.json");
});
