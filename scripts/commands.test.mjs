// Every block of shell commands in the pages says, in a comment before it, by which test it runs, or why by none. What this file
// runs itself, it runs as it is written, but for addresses and what stands for secrets.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "./ports.mjs";
import { environment, root } from "./processes.mjs";

const run = promisify(execFile);
const key = "a-key-of-thirty-two-characters-00";
const tracked = (...patterns) =>
  execFileSync("git", ["ls-files", "-z", ...patterns], { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter(Boolean);

/** blocks are the fenced blocks of all pages: where each is, its language, its text, and the comment right before it. */
const blocks = tracked("*.md").flatMap((page) => {
  const lines = readFileSync(join(root, page), "utf8").split("\n");
  const fences = lines.flatMap((line, i) => (/^\s*```/.test(line) ? [i] : []));
  assert.equal(fences.length % 2, 0, `${page}: a fence is not closed`);
  return fences
    .filter((_, i) => i % 2 === 0)
    .map((begin, i) => ({
      where: `${page}:${begin + 1}`,
      language: lines[begin].trim().slice(3),
      text: lines.slice(begin + 1, fences[2 * i + 1]).join("\n"),
      mark: /^\s*<!-- (run here|run by|not run): (.+) -->$/.exec(lines[begin - 1])?.slice(1),
    }));
});
const shell = blocks.filter(({ language }) => ["sh", "bash", "console", "shell"].includes(language));
const marked = (kind, what) => shell.filter(({ mark }) => mark?.[0] === kind && (!what || mark[1] === what));

test("every block of commands says by which test it runs, or why by none", () => {
  assert.ok(shell.length > 15);
  for (const { where, mark } of shell) {
    assert.ok(mark, `${where} has no mark`);
    if (mark[0] === "not run") assert.ok(mark[1].length > 30, `${where} gives no reason`);
    if (mark[0] === "run here") assert.ok(mark[1] in runners, `${where}: nothing here runs ${mark[1]}`);
  }
});

test("no commands hide in a block without a language", () => {
  const command = /^\s*(\$ |sudo |npm |npx |node |go |docker |kubectl |curl |apt-get |systemctl |chatd |bin\/chatd)/m;
  for (const { where, language, text } of blocks) assert.ok(language || !command.test(text), where);
});

test("every mark that names a test says only that", () => {
  for (const { where, mark } of shell) {
    if (mark?.[0] === "run by") assert.match(mark[1], /^(Test\w+|[\w/.-]+\.test\.mjs)$/, where);
  }
});

test("every test and every statement that a page names exists", () => {
  const sources = tracked("*_test.go").map((file) => readFileSync(join(root, file), "utf8"));
  const spec = readFileSync(join(root, "protocol/SPEC.md"), "utf8");
  for (const page of tracked("README.md", "CONTRIBUTING.md", "deploy/README.md", "docs/*.md")) {
    const text = readFileSync(join(root, page), "utf8");
    for (const [name] of text.matchAll(/\bTest[A-Z]\w+/g)) {
      // A page may name the beginning, as go test -run takes it.
      assert.ok(
        sources.some((source) => source.includes(`func ${name}`)),
        `${page} names ${name}`,
      );
    }
    for (const [file] of text.matchAll(/\b(?:\w+\/)+[\w.-]+\.test\.mjs/g)) {
      assert.ok(existsSync(join(root, file)), `${page} names ${file}`);
    }
    for (const [, number] of text.matchAll(
      /\b((?:CON|REC|WHO|MSG|ACK|ERR|OUT|PRE|HIS|TYP|TOK|ROOM|API|EIO|LIM)-\d+)\b/g,
    )) {
      assert.ok(spec.includes(`- **${number}** `), `${page} names ${number}`);
    }
  }
});

let dir;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "commands-"));
  await run("go", ["build", "-o", join(dir, "bin/chatd"), "./server/cmd/chatd"], { cwd: root, env: environment() });
  symlinkSync(join(dir, "bin/chatd"), join(dir, "chatd")); // some pages have it in PATH, some in bin
});

after(() => rmSync(dir, { recursive: true, force: true }));

const settings = (port) => ({
  PATH: `${dir}:${process.env.PATH}`,
  HOST: "127.0.0.1",
  PORT: String(port),
  DATA_DIR: "off",
  DRAIN_DELAY: "0s",
});

/** start runs a command in a shell until the test ends, and returns once the port answers, or the command has ended. */
async function start(t, command, env, port) {
  // A group of its own, because the shell may start the command as its child.
  const child = spawn("sh", ["-euc", command], { cwd: dir, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const ended = once(child, "exit");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  t.after(async () => {
    if (child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    await ended;
  });
  while (!(await answers(port))) {
    assert.equal(child.exitCode, null, `${command} ended: ${output}`);
    await setTimeout(20);
  }
}

const answers = async (port) => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok;

/** serve starts each command of a block as a server of its own: all together must be ready. */
async function serve(t, text) {
  const redis = await freePort();
  if (text.includes("redis://")) {
    const server = spawn("redis-server", ["--port", String(redis), "--bind", "127.0.0.1", "--save", ""], { cwd: dir });
    t.after(() => server.kill("SIGKILL"));
  }
  const issuer = "https://issuer.example/.well-known/jwks.json";
  for (const line of text.replaceAll("\\\n", " ").split("\n")) {
    const port = await freePort();
    const command = line
      .replace("localhost:6379", `127.0.0.1:${redis}`)
      .replace(/\bPORT=\d+ /, `PORT=${port} `)
      .replace("SECRET=…", `SECRET=${key}`)
      .replace(issuer, `http://127.0.0.1:${port}/keys`); // a node starts whether the issuer answers or not
    await start(t, command, settings(port), port);
  }
}

/** ask runs a block as a client of a server that has the HTTP API on both of its ports. */
async function ask(t, text) {
  const [port, ops] = [await freePort(), await freePort()];
  await start(t, `chatd --ops-addr 127.0.0.1:${ops} --api-keys ${key}`, settings(port), port);
  const commands = text
    .replace(/http:\/\/localhost:8000|https:\/\/chat\.example/g, `http://127.0.0.1:${port}`)
    .replace("CHATD_API_KEY=…", `CHATD_API_KEY=${key}`)
    .replaceAll(/^(chatd admin \w+)/gm, `$1 --url http://127.0.0.1:${ops}`)
    .replace("curl ", "curl --fail-with-body --silent --show-error ");
  const env = { PATH: `${dir}:${process.env.PATH}`, CHATD_API_KEY: key };
  const { stdout } = await run("sh", ["-euc", commands], { cwd: dir, env });
  assert.ok(stdout.length > 0);
}

const runners = { "servers that end": serve, "a client of a server": ask };

for (const { where, text, mark } of marked("run here")) {
  test(`${where} works`, (t) => runners[mark[1]](t, text));
}
