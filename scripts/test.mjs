// `npm test`: sets up what is missing, then runs every step to its end, even if another one has failed.
// `npm test -- --only go,clients` runs some; `--verbose` shows their output while they run.
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { main, Problem } from "./problem.mjs";
import { ending, environment, Group, root } from "./processes.mjs";
import { setup } from "./setup.mjs";
import { steps, usualMinutes } from "./steps.mjs";

const logs = join(root, "test-results/steps");
const shownLines = 400;

await main(async () => {
  const { only, verbose } = readArguments();
  const picked = steps.filter((step) => !only || only.includes(step.name));
  await setup({ goTools: true, programs: [...new Set(picked.flatMap((step) => step.programs ?? []))] });
  mkdirSync(logs, { recursive: true });

  const failed = [];
  for (const step of picked) {
    if (!(await passes(step, verbose))) failed.push(step.name);
  }
  if (failed.length > 0) console.log(`\nFailed: ${failed.join(", ")}.`);
  console.log(`\n${picked.length - failed.length} passed, ${failed.length} failed`);
  return failed.length > 0 ? 1 : 0;
});

function readArguments() {
  const options = { only: { type: "string" }, verbose: { type: "boolean", default: false } };
  const names = steps.map((step) => step.name);
  try {
    const { values } = parseArgs({ options });
    const only = values.only?.split(",");
    const unknown = only?.filter((name) => !names.includes(name)) ?? [];
    if (unknown.length > 0) throw new Error(`No such step: ${unknown.join(", ")}`);
    return { only, verbose: values.verbose };
  } catch (error) {
    throw new Problem(`${error.message}. Steps: ${names.join(", ")}.`);
  }
}

/** passes runs one step and reports it in a line, followed by the end of its output if it failed. */
async function passes(step, verbose) {
  const log = join(logs, `${step.name}.log`);
  const started = Date.now();
  console.log(`\n- ${step.name}: ${step.proves}`);
  const why = await failure(step, log, verbose);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (!why) {
    console.log(`  ok, ${seconds} s`);
    return true;
  }
  if (!verbose) console.log(lastLines(readFileSync(log, "utf8")));
  console.log(`  FAILED after ${seconds} s: ${why}. All of its output: ${relative(root, log)}`);
  return false;
}

/** failure runs the commands of a step until one fails, and says why, or returns "". */
async function failure(step, log, verbose) {
  const file = openSync(log, "w");
  const onLine = (line) => {
    writeSync(file, `${line}\n`);
    if (verbose) console.log(line);
  };
  try {
    for (const command of step.commands) {
      const why = await commandFailure(command, step.minutes ?? usualMinutes, onLine);
      if (why) return `${command.join(" ")} ${why}`;
    }
    return "";
  } finally {
    closeSync(file);
  }
}

async function commandFailure([command, ...args], minutes, onLine) {
  const env = environment({
    NEXT_PUBLIC_SERVER_URL: process.env.NEXT_PUBLIC_SERVER_URL || "http://localhost:8000",
  });
  const group = new Group(command, args, { env, onLine });
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    group.signal("SIGQUIT");
    group.stop(5000);
  }, minutes * 60_000);
  const stopWith = (signal) => {
    group.signal("SIGKILL");
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  process.on("SIGINT", stopWith).on("SIGTERM", stopWith);
  const { code, signal } = await group.exited;
  process.off("SIGINT", stopWith).off("SIGTERM", stopWith);
  clearTimeout(timer);
  await group.stop(0);
  if (hung) return `had not ended after ${minutes} minutes`;
  return code === 0 ? "" : ending(code, signal);
}

function lastLines(text) {
  const lines = text.trimEnd().split("\n");
  const left = lines.length - shownLines;
  return (left > 0 ? [`(${left} lines before)`, ...lines.slice(-shownLines)] : lines).join("\n");
}
