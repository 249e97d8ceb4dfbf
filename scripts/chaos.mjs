// `npm run chaos -- --minutes 30 --seed 7`: one storm after the other over real nodes and a real Redis or Redis Cluster, each
// with the next seed, until the time is up. Without a seed any is taken; it is printed, and repeats the storm.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { main, Problem } from "./problem.mjs";
import { environment, root, run } from "./processes.mjs";
import { setup } from "./setup.mjs";

await main(async () => {
  const { minutes, seed } = readArguments();
  await setup({ programs: ["gcc", "redis-server"] });
  const test = ["test", "-race", "-count=1", "-v", "-timeout=0", "-run=^TestStorm$", "./internal/test/chaos"];
  await run("go", [...test, "-args", `-minutes=${minutes}`, `-seed=${seed}`], {
    cwd: join(root, "server"),
    env: environment(),
  });
});

function readArguments() {
  const options = { minutes: { type: "string", default: "30" }, seed: { type: "string", default: "0" } };
  try {
    const { values } = parseArgs({ options });
    if (!(Number(values.minutes) > 0)) throw new Error("--minutes must be a positive number");
    if (!/^\d{1,18}$/.test(values.seed)) throw new Error("--seed must be a whole number");
    return values;
  } catch (error) {
    throw new Problem(`${error.message}. Usage: npm run chaos -- [--minutes 30] [--seed 7]`);
  }
}
