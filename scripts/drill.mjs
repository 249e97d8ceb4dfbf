// `npm run drill`: attacks a real server in full size, one attack after the other, and prints what its other clients notice
// (docs/SECURITY.md). It takes three minutes, stays on the loopback network, and ends by itself. `--only "room storm"` runs one.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { main, Problem } from "./problem.mjs";
import { environment, root, run } from "./processes.mjs";
import { setup } from "./setup.mjs";

await main(async () => {
  if (process.platform !== "linux") throw new Problem("The drill reads the memory of the server from Linux.");
  const only = readArguments();
  await setup();
  const pattern = `-run=^TestP6_Drills$${only ? `/^${only.replaceAll(" ", "_")}$` : ""}`;
  // -v: go prints what a test that passes says only when it is asked for.
  const test = ["test", "-v", "-count=1", "-timeout=10m", pattern, "./internal/test/drill"];
  await run("go", [...test, "-args", "-full"], { cwd: join(root, "server"), env: environment() });
});

function readArguments() {
  try {
    return parseArgs({ options: { only: { type: "string" } } }).values.only;
  } catch (error) {
    throw new Problem(`${error.message}. Usage: npm run drill -- [--only "room storm"]`);
  }
}
