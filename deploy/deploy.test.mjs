// What can be said about the deployment without a container engine: the files hold together, name what exists, and
// their build steps work on what they copy.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { parse } from "yaml";

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const env = { ...process.env, GOTOOLCHAIN: "local", PATH: `${process.env.PATH}:/usr/sbin` };

const read = (name) => readFile(join(here, name), "utf8");
const readYAML = async (name) => parse(await read(name));

/** settings are the names that the server knows, from .env.example. */
async function settings() {
  const text = await readFile(join(root, ".env.example"), "utf8");
  return new Map([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
}

/** instructions are a Dockerfile's, with continued lines joined: [["FROM", "golang:1.26 AS build"], ...]. */
function instructions(dockerfile) {
  return dockerfile
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1).trim()]);
}

/** copied are the paths that a Dockerfile takes from the repository. */
function copied(dockerfile) {
  return instructions(dockerfile)
    .filter(([name, rest]) => name === "COPY" && !rest.startsWith("--from"))
    .flatMap(([, rest]) => rest.split(/\s+/).slice(0, -1));
}

const seconds = (duration) => {
  const [, number, unit] = /^(\d+)(ms|s|m)$/.exec(duration);
  return Number(number) * { ms: 0.001, s: 1, m: 60 }[unit];
};

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

test("server.Dockerfile: its build steps make one static binary from what it copies", async (t) => {
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
    if (name === "RUN") await run("sh", ["-c", rest.replaceAll("/out/", `${dir}/out/`)], { cwd: src, env });
  }
  const binary = join(dir, "out/chatd");
  const { stdout } = await run(binary, ["--version"]);
  assert.match(stdout, /chatd/);
  const elf = await readFile(binary);
  assert.equal(elf.subarray(1, 4).toString(), "ELF");
  assert.ok(!elf.includes("/ld-linux"), "the binary asks for a dynamic linker");
});

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
    ([name, rest]) => name === "FROM" && rest.startsWith("node:"),
  );
  assert.deepEqual(
    images.map(([, rest]) => rest.split(/[:-]/)[1]),
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

test("compose.yaml: the servers are alike, know their settings, and are given the time to drain", async () => {
  const compose = await readYAML("compose.yaml");
  const known = await settings();
  const servers = Object.entries(compose.services).filter(([name]) => name.startsWith("server"));
  assert.equal(servers.length, 3);
  for (const [, server] of servers) {
    for (const key of Object.keys(server.environment)) assert.ok(known.has(key), `${key} is no setting`);
    const { DRAIN_DELAY, DRAIN_TIMEOUT } = server.environment;
    assert.ok(seconds(server.stop_grace_period) >= seconds(DRAIN_DELAY) + seconds(DRAIN_TIMEOUT) + 15);
    await stat(join(here, server.build.context, server.build.dockerfile));
  }
  const redis = compose.services.redis.command.join(" ");
  assert.match(redis, /--appendonly yes --appendfsync always --maxmemory-policy noeviction/);
  const upstreams = [...(await read("nginx.conf")).matchAll(/^\s+server (\S+):8000 /gm)].map(([, name]) => name);
  assert.deepEqual(
    upstreams,
    servers.map(([name]) => name),
  );
  for (const service of Object.values(compose.services)) {
    for (const name of [service.depends_on ?? []].flatMap((d) => (Array.isArray(d) ? d : Object.keys(d)))) {
      assert.ok(compose.services[name], `${name} is no service`);
    }
  }
});

test("render.yaml: the service knows its settings, its health does not follow Redis, and it has the time to drain", async () => {
  const { services } = await readYAML("render.yaml");
  const [web, keyvalue] = services;
  assert.deepEqual(
    services.map((service) => service.type),
    ["web", "keyvalue"],
  );
  assert.equal(web.rootDir, undefined);
  assert.equal(web.healthCheckPath, "/readyz");
  const known = await settings();
  const value = (key) => web.envVars.find((v) => v.key === key)?.value ?? known.get(key);
  for (const { key } of web.envVars) assert.ok(known.has(key), `${key} is no setting`);
  assert.notEqual(value("PORT"), "10000");
  assert.ok(web.maxShutdownDelaySeconds >= seconds(value("DRAIN_DELAY")) + seconds(value("DRAIN_TIMEOUT")) + 15);
  assert.ok(web.maxShutdownDelaySeconds <= 300);
  const secrets = web.envVars.filter(({ key }) => key.endsWith("_SECRET"));
  assert.deepEqual(
    secrets,
    ["CLUSTER_SECRET", "AUTH_SECRET"].map((key) => ({ key, generateValue: true })),
  );
  const rooms = value("ROOMS").split(",");
  assert.ok(!rooms.some((name) => name.includes("*")), "the number of rooms must be known");
  const messages =
    (Number(value("HISTORY_WINDOW")) + rooms.length * value("ROOM_WINDOW")) * 6 * value("MAX_MESSAGE_CHARS");
  const ids = (1 + rooms.length) * value("DEDUPE_MAX") * 200;
  assert.ok(messages + ids + 10e6 <= 256e6, "what the servers keep must fit into the plan");
  const redis = web.envVars.find((v) => v.key === "REDIS_URL").fromService;
  assert.deepEqual(redis, { type: "keyvalue", name: keyvalue.name, property: "connectionString" });
  assert.equal(keyvalue.maxmemoryPolicy, "noeviction");
  for (const path of web.buildFilter.paths) await stat(join(root, path.replace("/**", "")));
});

test("compose.single.yaml: one server without Redis, with its record in a volume", async () => {
  const { services, volumes } = await readYAML("compose.single.yaml");
  const { server, web } = services;
  assert.deepEqual(Object.keys(services), ["server", "web"]);
  const known = await settings();
  for (const key of Object.keys(server.environment)) assert.ok(known.has(key), `${key} is no setting`);
  assert.ok(!Object.keys(server.environment).some((key) => key.startsWith("REDIS_")));
  const [volume, path] = server.volumes[0].split(":");
  assert.ok(volume in volumes);
  assert.ok((await read("server.Dockerfile")).includes(`VOLUME ${path}\n`));
  assert.equal(server.deploy?.replicas, undefined, "one process may use the record");
  const { DRAIN_DELAY, DRAIN_TIMEOUT } = server.environment;
  assert.ok(seconds(server.stop_grace_period) >= seconds(DRAIN_DELAY) + seconds(DRAIN_TIMEOUT) + 15);
  for (const { build } of [server, web]) await stat(join(here, build.context, build.dockerfile));
});

test("render.single.yaml: one instance, its record on a disk that is large enough", async () => {
  const { services } = await readYAML("render.single.yaml");
  const [web] = services;
  assert.equal(services.length, 1);
  assert.equal(web.numInstances, 1);
  assert.equal(web.scaling, undefined);
  assert.notEqual(web.plan, "free", "which has no disk");
  const known = await settings();
  for (const { key } of web.envVars) assert.ok(known.has(key), `${key} is no setting`);
  const value = (key) => web.envVars.find((v) => v.key === key)?.value;
  assert.equal(value("DATA_DIR"), web.disk.mountPath);
  const [, retention] = /^(\d+)GiB$/.exec(value("RETENTION_BYTES"));
  assert.ok(2 * retention * 2 ** 30 < web.disk.sizeGB * 1e9, "erasing needs the space twice");
  assert.ok(web.maxShutdownDelaySeconds >= seconds(value("DRAIN_DELAY")) + seconds(value("DRAIN_TIMEOUT")) + 15);
  for (const path of web.buildFilter.paths) await stat(join(root, path.replace("/**", "")));
});

for (const [name, changes] of [
  ["nginx.conf", (text) => text.replaceAll(/server\d:8000/g, "127.0.0.1:8000")],
  ["web.nginx.conf", (text) => `pid /tmp/web-nginx.pid; events {} http { ${text} }`],
]) {
  test(`${name}: nginx accepts it`, async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "nginx-"));
    t.after(() => rm(dir, { recursive: true, force: true }));
    const file = join(dir, "nginx.conf");
    await writeFile(file, changes(await read(name)));
    const { stderr } = await run("nginx", ["-t", "-c", file, "-p", dir], { env });
    assert.match(stderr, /test is successful/);
  });
}

/** nginx with the web app's configuration and a small site; returns a function that asks it. */
async function startWeb(t) {
  const dir = await mkdtemp(join(tmpdir(), "nginx-"));
  await chmod(dir, 0o755); // Its workers may be somebody else.
  await mkdir(join(dir, "_next/static"), { recursive: true });
  for (const name of ["index.html", "404.html", "_next/static/0a1b2c.js"])
    await writeFile(join(dir, name), name.repeat(99));
  // A socket in the folder instead of a port, so that nothing else can be in the way.
  const site = (await read("web.nginx.conf"))
    .replace("listen 3000", `listen unix:${dir}/socket`)
    .replace("/usr/share/nginx/html", dir);
  const file = join(dir, "nginx.conf");
  await writeFile(
    file,
    `daemon off; pid ${dir}/pid; events {} http { include /etc/nginx/mime.types; access_log off; ${site} }`,
  );
  const nginx = spawn("nginx", ["-c", file, "-p", dir, "-e", "stderr"], { env, stdio: "ignore" });
  t.after(async () => {
    nginx.kill();
    if (nginx.exitCode === null) await once(nginx, "exit");
    await rm(dir, { recursive: true, force: true });
  });
  const ask = async (path) => {
    const request = { socketPath: `${dir}/socket`, path, headers: { "Accept-Encoding": "gzip" } };
    const [response] = await once(get(request), "response");
    const body = Buffer.concat(await response.toArray());
    const zipped = response.headers["content-encoding"] === "gzip";
    return { status: response.statusCode, headers: response.headers, body: String(zipped ? gunzipSync(body) : body) };
  };
  while (nginx.exitCode === null && !(await ask("/").catch(() => undefined))) await setImmediate();
  return ask;
}

test("web.nginx.conf: what nginx serves comes with the headers that protect, and only hashed files are kept for good", async (t) => {
  const ask = await startWeb(t);
  for (const [path, expected] of [
    ["/", 200],
    ["/nowhere", 404],
  ]) {
    const { status, headers, body } = await ask(path);
    assert.equal(status, expected);
    assert.match(body, expected === 404 ? /^404\.html/ : /^index\.html/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.ok(headers["referrer-policy"]);
    assert.equal(headers["content-security-policy"], "frame-ancestors 'none'");
    assert.equal(headers["cache-control"], "no-cache");
  }
  const { status, headers } = await ask("/_next/static/0a1b2c.js");
  assert.equal(status, 200);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["cache-control"], "public, max-age=31536000, immutable");
  assert.equal(headers["content-encoding"], "gzip");
});

test("web.nginx.conf: that a hashed file is not there yet is not kept for good", async (t) => {
  const ask = await startWeb(t);
  const { status, headers } = await ask("/_next/static/missing.js");
  assert.equal(status, 404);
  assert.equal(headers["cache-control"], undefined);
});
