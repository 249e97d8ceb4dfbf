// `npm run fuzz -- --minutes 10`: runs every fuzz target of the server for so long, one after the other. Go writes an input that
// fails into the testdata of its package, from where every later test run repeats it. A target that fails does not stop the others.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { main, Problem } from "./problem.mjs";
import { environment, root, run } from "./processes.mjs";
import { setup } from "./setup.mjs";

const server = join(root, "server");

await main(async () => {
  const { minutes, only } = readArguments();
  await setup();
  const failed = [];
  for (const { pkg, name } of targets().filter(({ name }) => !only || name === only)) {
    console.log(`\n${name} in ${pkg}`);
    const seconds = Math.round(minutes * 60);
    const test = ["test", "-run=^$", `-fuzz=^${name}$`, `-fuzztime=${seconds}s`, pkg];
    await run("go", test, { cwd: server, env: environment() }).catch(() => failed.push(name));
  }
  if (failed.length > 0) throw new Problem(`These targets failed: ${failed.join(", ")}.`);
});

function readArguments() {
  const options = { minutes: { type: "string", default: "10" }, only: { type: "string" } };
  try {
    const { values } = parseArgs({ options });
    if (!(Number(values.minutes) > 0)) throw new Error("--minutes must be a positive number");
    return { minutes: Number(values.minutes), only: values.only };
  } catch (error) {
    throw new Problem(`${error.message}. Usage: npm run fuzz -- [--minutes 10] [--only FuzzReader]`);
  }
}

function targets() {
  const options = { cwd: server, env: environment(), encoding: "utf8" };
  const found = execFileSync("git", ["grep", "-e", "^func Fuzz", "--", "*_test.go"], options).trim().split("\n");
  return found.map((line) => {
    const [, path, name] = /^(.+)\/[^/]+:func (Fuzz\w+)/.exec(line);
    return { pkg: `./${path}`, name };
  });
}
