// The images, without a container engine: their build steps run on copies of what they copy, and the server runs on the root
// file system that results.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { freePort } from "../scripts/ports.mjs";
import { copied, env, instructions, read, root, run, settings } from "./files.mjs";

for (const name of ["server.Dockerfile", "web.Dockerfile"]) {
  test(`${name}: everything that it copies is there, and it does not end as root`, async () => {
    const dockerfile = await read(name);
    const paths = copied(dockerfile);
    assert.ok(paths.length > 0);
    for (const path of paths) await stat(join(root, path));
    const all = instructions(dockerfile);
    const last = all.findLastIndex(([instruction]) => instruction === "FROM");
    const user = all.slice(last).findLast(([instruction]) => instruction === "USER")?.[1];
    // An image says by its name, a stage by USER, that its processes are not root.
    assert.ok(all[last][1].includes("unprivileged") || /^[1-9]\d*(:|$)/.test(user), `user ${user}`);
  });
}

/** built runs the build steps of the server's image, as on a machine of another architecture if variables say so. It returns what they make. */
async function built(t, variables = {}) {
  const dir = await mkdtemp(join(tmpdir(), "image-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const src = join(dir, "src");
  await mkdir(src);
  for (const [name, rest] of instructions(await read("server.Dockerfile"))) {
    if (name === "FROM" && !rest.endsWith("AS build")) break;
    if (name === "COPY") {
      const parts = rest.split(/\s+/);
      const target = join(src, parts.at(-1));
      for (const path of parts.slice(0, -1)) {
        const whole = (await stat(join(root, path))).isDirectory();
        await cp(join(root, path), whole ? target : join(target, path.split("/").at(-1)), { recursive: true });
      }
    }
    const stepEnv = { ...env, ...variables };
    if (name === "RUN") await run("sh", ["-c", rest.replaceAll("/out/", `${dir}/out/`)], { cwd: src, env: stepEnv });
  }
  return { dir, out: join(dir, "out"), elf: await readFile(join(dir, "out/chatd")) };
}

/** The last stage of the server's image: what it has in each instruction of a name. */
async function lastStage(name) {
  const all = instructions(await read("server.Dockerfile"));
  const begin = all.findLastIndex(([instruction]) => instruction === "FROM");
  return all
    .slice(begin)
    .filter(([instruction]) => instruction === name)
    .map(([, rest]) => rest);
}

/** machine is the architecture that a binary is for, as ELF numbers it. */
const machine = (elf) => elf.readUInt16LE(18);

test("server.Dockerfile: its build steps make one static binary from what it copies, for each architecture", async (t) => {
  const { out, elf } = await built(t);
  const { stdout } = await run(join(out, "chatd"), ["--version"]);
  assert.match(stdout, /chatd/);
  assert.equal(elf.subarray(1, 4).toString(), "ELF");
  assert.ok(!elf.includes("/ld-linux"), "the binary asks for a dynamic linker");
  const machines = { amd64: 62, arm64: 183 };
  const other = machine(elf) === machines.amd64 ? "arm64" : "amd64";
  const crossed = await built(t, { TARGETOS: "linux", TARGETARCH: other });
  assert.equal(machine(crossed.elf), machines[other]);
  assert.ok(!crossed.elf.includes("/ld-linux"));
});

/** image is a directory with the files of the server's image, as its last stage copies them. */
async function image(t) {
  const { dir, out } = await built(t);
  const made = join(dir, "root");
  await mkdir(made);
  for (const copy of await lastStage("COPY")) {
    const [, owner] = /--chown=(\d+)/.exec(copy) ?? [];
    const [from, to] = copy.split(/\s+/).slice(-2);
    const target = join(made, to, to.endsWith("/") ? posix.basename(from) : "");
    await cp(from.startsWith("/out/") ? join(out, from.slice(5)) : from, target, { recursive: true });
    if (owner && process.getuid() === 0) await chown(target, Number(owner), Number(owner));
  }
  await chmod(dir, 0o755);
  return made;
}

/** inImage is the command that runs another one with an image as its root: as the image's user or, without rights, as this one. */
function inImage(made, user, command) {
  return process.getuid() === 0
    ? ["chroot", [`--userspec=${user}`, made, ...command]]
    : ["unshare", ["--map-root-user", "chroot", made, ...command]];
}

test("server.Dockerfile: the image has all that the server needs, and is written nowhere but in its volume", async (t) => {
  const made = await image(t);
  const [user] = await lastStage("USER");
  const [entry] = await lastStage("ENTRYPOINT");
  const [, check] = /CMD (\[.*\])$/.exec((await lastStage("HEALTHCHECK"))[0]);
  const variables = Object.fromEntries((await lastStage("ENV")).flatMap((v) => v.split(" ").map((v) => v.split("="))));
  const settings = { ...variables, HOST: "127.0.0.1", PORT: String(await freePort()), DRAIN_DELAY: "0s" };
  const before = await readdir(made, { recursive: true });

  const options = { env: { PATH: env.PATH, ...settings }, stdio: ["ignore", "ignore", "inherit"] };
  const server = spawn(...inImage(made, user, JSON.parse(entry)), { ...options, stdio: "ignore" });
  t.after(() => server.kill("SIGKILL"));
  const healthy = () => run(...inImage(made, user, JSON.parse(check)), options).catch(() => undefined);
  let report;
  while (!report) {
    assert.equal(server.exitCode, null, "the server ended");
    report = await healthy();
  }
  assert.match(report.stdout, /"status":"ready"/);
  server.kill("SIGTERM");
  const [code] = await once(server, "exit");
  assert.equal(code, 0);
  assert.equal(await healthy(), undefined);
  const after = await readdir(made, { recursive: true });
  const written = after.filter((path) => !before.includes(path));
  assert.ok(written.length > 0, "the record");
  for (const path of written) assert.match(path, /^data\//);
});

for (const name of ["server.Dockerfile", "web.Dockerfile"]) {
  test(`${name}: it says what it is, whether it works, and exactly what it is made from`, async () => {
    const all = instructions(await read(name));
    const { version, license } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const labels = all.filter(([instruction]) => instruction === "LABEL").map(([, rest]) => rest);
    const label = (key) => new RegExp(`org\\.opencontainers\\.image\\.${key}="([^"]+)"`).exec(labels.join(" "))?.[1];
    assert.equal(label("version"), version);
    assert.equal(label("licenses"), license);
    for (const key of ["title", "description", "revision"]) assert.ok(label(key), key);
    assert.ok(all.some(([instruction]) => instruction === "HEALTHCHECK"));
    const bases = all.filter(([instruction, rest]) => instruction === "FROM" && rest !== "scratch");
    for (const [, rest] of bases) assert.match(rest, /:\d+\.\d+\.\d+-/, "a tag that does not move");
    // The stage that builds runs on this machine; what it makes is for another one.
    assert.match(bases[0][1], /^--platform=\$BUILDPLATFORM /);
  });
}

test("server.Dockerfile: the default DATA_DIR is a volume that the server may write", async () => {
  const all = instructions(await read("server.Dockerfile"));
  const value = (name) => all.findLast(([instruction]) => instruction === name)?.[1];
  const dataDir = posix.resolve(value("WORKDIR"), (await settings()).get("DATA_DIR"));
  assert.equal(value("VOLUME"), dataDir);
  const made = all.find(([name, rest]) => name === "COPY" && rest.endsWith(` ${dataDir}`))?.[1];
  assert.match(made, new RegExp(`--chown=${value("USER")} `));
});

test(".dockerignore: the record is part of no image, and what an image copies is not left out", async () => {
  const ignored = (await readFile(join(root, ".dockerignore"), "utf8"))
    .split("\n")
    .filter((l) => l && !l.startsWith("#"));
  for (const dir of ["data", "server/data", "**/.env", ".git"]) assert.ok(ignored.includes(dir), dir);
  for (const name of ["server.Dockerfile", "web.Dockerfile"]) {
    for (const path of copied(await read(name))) assert.ok(!ignored.includes(path.replace("./", "")), path);
  }
});

test("images, the pipeline and .nvmrc use one version of Node", async () => {
  const version = (await readFile(join(root, ".nvmrc"), "utf8")).trim();
  assert.match(version, /^\d+$/);
  const images = instructions(await read("web.Dockerfile")).filter(
    ([name, rest]) => name === "FROM" && rest.includes(" node:"),
  );
  assert.deepEqual(
    images.map(([, rest]) => /node:(\d+)\./.exec(rest)?.[1]),
    [version],
  );
  const workflow = parse(await readFile(join(root, ".github/workflows/ci.yml"), "utf8"));
  assert.match(workflow.jobs.test.container, new RegExp(`^node:${version}-`));
});

test("web.Dockerfile: its commands are scripts of the web app", async () => {
  const { scripts } = JSON.parse(await readFile(join(root, "frontend/package.json"), "utf8"));
  const runs = instructions(await read("web.Dockerfile")).filter(([name]) => name === "RUN");
  const names = runs.flatMap(([, rest]) => [...rest.matchAll(/npm run (\w+)/g)].map(([, script]) => script));
  assert.deepEqual(names, ["build"]);
  assert.ok(scripts.build);
});
