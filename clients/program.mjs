import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { until } from "./until.mjs";

/** Program is a program that reads and writes lines. It ends with the test. */
class Program {
  lines = [];

  constructor(command, args, env) {
    this.process = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "inherit"] });
    createInterface(this.process.stdout).on("line", (line) => this.lines.push(line));
  }

  /** says waits for a line and returns what its parentheses match. */
  async says(pattern) {
    const find = () => this.lines.map((line) => pattern.exec(line)).find(Boolean);
    await until(() => `${pattern} in ${JSON.stringify(this.lines)}`, find, 60_000);
    return find().slice(1);
  }

  hears(line) {
    this.process.stdin.write(`${line}\n`);
  }

  /** end closes its input, waits for its end, and returns its exit code. */
  async end() {
    this.process.stdin.end();
    const [code] = await once(this.process, "close");
    return code;
  }
}

/** startProgram starts a program that ends with the test. */
export function startProgram(t, command, args, env = {}) {
  const program = new Program(command, args, env);
  t.after(() => program.process.kill("SIGKILL"));
  return program;
}
