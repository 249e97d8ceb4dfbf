// What can be said about the deployment without a container engine: the files hold together, and name what exists.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { env, here, read, readYAML, root, run, seconds, settings } from "./files.mjs";

test("compose.yaml: the servers are alike, know their settings, and are given the time to drain", async () => {
  const compose = await readYAML("compose.yaml");
  const known = await settings();
  const servers = Object.entries(compose.services).filter(([name]) => name.startsWith("server"));
  assert.equal(servers.length, 3);
  for (const [name, server] of servers) {
    for (const key of Object.keys(server.environment)) assert.ok(known.has(key), `${key} is no setting`);
    const { DRAIN_DELAY, DRAIN_TIMEOUT } = server.environment;
    assert.ok(seconds(server.stop_grace_period) >= seconds(DRAIN_DELAY) + seconds(DRAIN_TIMEOUT) + 15);
    await stat(join(here, server.build.context, server.build.dockerfile));
    const rest = (other) => ({ ...other, hostname: "", environment: { ...other.environment, OPS_ADDR: "" } });
    assert.deepEqual(rest(server), rest(servers[0][1]), `${name} is like the first`);
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

test("compose.yaml: Prometheus finds each server by the host that its private port answers, and Grafana finds Prometheus", async () => {
  const { services } = await readYAML("compose.yaml");
  const servers = Object.entries(services).filter(([name]) => name.startsWith("server"));
  for (const [name, { hostname, environment, ports }] of servers) {
    assert.equal(environment.OPS_ADDR, `${name}:9100`);
    assert.equal(hostname, name);
    assert.equal(ports, undefined, "the private port is not published");
  }
  const { scrape_configs } = await readYAML("prometheus/prometheus.yml");
  const targets = scrape_configs.flatMap((job) => job.static_configs ?? []).flatMap((config) => config.targets);
  assert.deepEqual(
    targets,
    servers.map(([, { environment }]) => environment.OPS_ADDR),
  );
  const { datasources } = await readYAML("grafana/provisioning/datasources/prometheus.yml");
  const source = new URL(datasources[0].url);
  assert.ok(services[source.hostname].ports.some((port) => port.endsWith(`:${source.port}`)));
  const { providers } = await readYAML("grafana/provisioning/dashboards/chat.yml");
  const mounts = services.grafana.volumes.map((volume) => volume.split(":"));
  const [folder] = mounts.find(([, target]) => target === providers[0].options.path);
  assert.ok((await readdir(join(here, folder))).includes("chat.json"));
  // Whoever may look at metrics sees no more than that, and only from this machine.
  for (const name of ["prometheus", "grafana"]) {
    for (const port of services[name].ports) assert.match(port, /^127\.0\.0\.1:/, name);
  }
});

for (const name of ["compose.yaml", "compose.single.yaml"]) {
  test(`${name}: images do not move, mounts exist, and what is ours has no rights and writes nothing but volumes`, async () => {
    const { services, volumes } = await readYAML(name);
    for (const [service, { image, build, ...rest }] of Object.entries(services)) {
      if (image) assert.match(image, /:v?\d+\.\d+\.\d+/, `${service} is pinned`);
      for (const [source] of (rest.volumes ?? []).map((volume) => volume.split(":"))) {
        if (source.startsWith(".")) await stat(join(here, source));
        else assert.ok(source in volumes, source);
      }
      if (!build) continue;
      assert.equal(rest.read_only, true, service);
      assert.deepEqual(rest.cap_drop, ["ALL"], service);
      assert.deepEqual(rest.security_opt, ["no-new-privileges:true"], service);
    }
  });
}

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
  for (const name of ["index.html", "404.html", "manifest.webmanifest", "_next/static/0a1b2c.js"])
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
  const vercel = JSON.parse(await readFile(join(root, "frontend/vercel.json"), "utf8"));
  const onVercel = vercel.headers.find(({ source }) => source === "/(.*)").headers;
  for (const [path, expected] of [
    ["/", 200],
    ["/nowhere", 404],
  ]) {
    const { status, headers, body } = await ask(path);
    assert.equal(status, expected);
    assert.match(body, expected === 404 ? /^404\.html/ : /^index\.html/);
    for (const { key, value } of onVercel) {
      // TLS is for whatever is in front of this nginx.
      if (key !== "Strict-Transport-Security") assert.equal(headers[key.toLowerCase()], value, key);
    }
    assert.equal(headers["cache-control"], "no-cache");
  }
  const manifest = await ask("/manifest.webmanifest");
  assert.equal(manifest.headers["content-type"], "application/manifest+json");
  assert.equal(manifest.headers["x-content-type-options"], "nosniff");
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

/** lines are the settings of a file of systemd or of sysctl. */
const lines = (text) => [...text.matchAll(/^(\S+?)\s?=\s?(.*)$/gm)].map(([, key, value]) => [key, value]);

test("systemd: the unit is valid, confined, and gives the server the time and the files that it needs", async (t) => {
  const text = await read("systemd/chatd.service");
  const unit = new Map(lines(text));
  const known = await settings();
  const own = new Map(
    unit
      .get("Environment")
      .split(" ")
      .map((setting) => setting.split("=")),
  );
  for (const key of own.keys()) assert.ok(known.has(key), `${key} is no setting`);
  assert.equal(own.get("DATA_DIR"), `/var/lib/${unit.get("StateDirectory")}`);
  const drain = seconds(known.get("DRAIN_DELAY")) + seconds(known.get("DRAIN_TIMEOUT"));
  assert.ok(seconds(unit.get("TimeoutStopSec")) >= drain + 15);
  assert.ok(Number(unit.get("LimitNOFILE")) >= 2 * known.get("MAX_CONNECTIONS") + 1256);
  const { name } = /^u (?<name>\S+) /m.exec(await read("systemd/chatd.sysusers")).groups;
  assert.equal(unit.get("User"), name);

  const dir = await mkdtemp(join(tmpdir(), "unit-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, "chatd.service");
  await writeFile(file, text.replace(unit.get("ExecStart"), process.execPath));
  if (process.platform !== "linux") return; // there is nothing that could read it
  await run("systemd-analyze", ["verify", "--man=no", file]);
  await run("systemd-analyze", ["security", "--offline=true", "--no-pager", "--threshold=20", file]);
});

test("docs/ONE-MACHINE.md: the limits of the kernel are those of the file", async () => {
  const page = await readFile(join(root, "docs/ONE-MACHINE.md"), "utf8");
  const set = lines(await read("systemd/chatd.sysctl"));
  assert.equal(set.length, 4);
  for (const [key, value] of set) assert.ok(page.includes(`| \`${key}\` | ${value.replace(" ", "–")} |`), key);
});
