// The examples of docs/PROTOCOL.md and docs/AUTH.md, as they are there.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startIssuer } from "../../docs/examples/issuer.mjs";
import { connect } from "../../docs/examples/signed-in.mjs";
import { findPython } from "../../scripts/system.mjs";
import { join, open, sayAll, watch } from "../client.mjs";
import { startCluster } from "../cluster.mjs";
import { startProgram } from "../program.mjs";
import { startServer } from "../server.mjs";
import { until } from "../until.mjs";

const docs = fileURLToPath(new URL("../../docs", import.meta.url));
const example = (name) => path(docs, "examples", name);
const long = (word) => word.repeat(32).slice(0, 32);

test("the documents show the examples as they are", async () => {
  const pages = (await readdir(docs)).filter((name) => name.endsWith(".md"));
  const texts = await Promise.all(pages.map((page) => readFile(path(docs, page), "utf8")));
  for (const [i, page] of pages.entries()) {
    for (const [, name, code] of texts[i].matchAll(/<!-- examples\/(\S+) -->\n```\w+\n(.*?)```\n/gs)) {
      assert.equal(code, await readFile(example(name), "utf8"), `${page} shows another ${name}`);
    }
  }
  for (const name of await readdir(path(docs, "examples"))) {
    assert.ok(
      texts.some((text) => text.includes(`examples/${name}`)),
      `no page names ${name}`,
    );
  }
});

/** settingsFor are those of a server that takes the tokens of an issuer. */
const settingsFor = ({ url }) => ({
  AUTH: "jwt",
  AUTH_JWKS_URL: `${url}/.well-known/jwks.json`,
  AUTH_JWT_ISSUER: url,
  AUTH_JWT_AUDIENCE: "chat",
});

/** expiry is when a token ends, in milliseconds. */
const expiry = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).exp * 1000;

/** languages are the commands that run the same client. */
const languages = { "client.mjs": process.execPath, "client.py": findPython() };

for (const [name, command] of Object.entries(languages)) {
  test(`WHO-2, WHO-7, REC-2 ${name} keeps its guest and its place over restarts`, async (t) => {
    assert.ok(command, "npm run setup installs what is missing");
    const dir = await mkdtemp(path(tmpdir(), "example-"));
    t.after(() => rm(dir, { recursive: true, force: true }));
    const server = await startServer(t, { AUTH_SECRET: long("old") });
    const start = () => startProgram(t, command, [example(name), server.url, "Ada", path(dir, "ada.json")]);

    const first = start();
    const [id] = await first.says(/^\* you are (~.{16})$/);
    first.hears("one");
    await first.says(/^\* stored at \d+$/);
    await first.says(/^Ada \(~.{16}\): one$/);
    assert.equal(await first.end(), 0);
    await sayAll(await join(t, server.url), ["two"]);

    const second = start();
    assert.deepEqual(await second.says(/^\* you are (.*)$/), [id]);
    await second.says(/^tester \(~.{16}\): two$/);
    assert.ok(!second.lines.some((line) => line.endsWith(": one")), "it was recovered, not given the history");

    // The server ends without a word and comes back with a new secret in front: nobody is logged out.
    const restart = async (secret) => {
      await server.stop("SIGKILL");
      server.env.AUTH_SECRET = secret;
      second.lines.length = 0;
      await server.start();
      return (await second.says(/^\* you are (.*)$/))[0];
    };
    assert.equal(await restart(`${long("new")},${long("old")}`), id);
    second.hears("three");
    await second.says(new RegExp(`^Ada \\(${id}\\): three$`));

    // Its secret is forgotten while a message has no answer yet: nobody else repeats it.
    await server.stop("SIGKILL");
    second.hears("four");
    assert.notEqual(await restart(long("other")), id);
    await second.says(/^\* unauthorized: a new guest$/);
    await second.says(/^\* not stored, as far as is known: another_author$/);
    second.hears("five");
    const reader = await join(t, server.url, { auth: { history: 50 } });
    assert.deepEqual(await reader.heard(1), ["five"]);
    assert.equal(await second.end(), 0);
  });

  test(`WHO-9 ${name} ends when it is refused, and drops its token only if that is not valid`, async (t) => {
    assert.ok(command, "npm run setup installs what is missing");
    const dir = await mkdtemp(path(tmpdir(), "example-"));
    t.after(() => rm(dir, { recursive: true, force: true }));
    const issuer = await startIssuer();
    t.after(() => issuer.server.close());
    const server = await startServer(t, { AUTH_SECRET: long("old") });
    const start = (file) => startProgram(t, command, [example(name), server.url, "Ada", path(dir, file)]);
    const kept = async (file) => JSON.parse(await readFile(path(dir, file), "utf8"));

    const guest = start("guest.json");
    await guest.says(/^\* you are ~/);
    await server.stop("SIGKILL");
    guest.hears("hello"); // it has no answer when the guest is refused
    Object.assign(server.env, settingsFor(issuer));
    await server.start();
    await guest.says(/^\* unauthorized: a new guest$/);
    await guest.says(/^\* refused: unauthorized$/);
    await until("its end", () => guest.process.exitCode === 1);
    assert.deepEqual(await kept("guest.json"), {});

    const token = issuer.token({ sub: "ada" }, -1);
    await writeFile(path(dir, "user.json"), JSON.stringify({ token }));
    const user = start("user.json");
    await user.says(/^\* refused: expired$/);
    await until("its end", () => user.process.exitCode === 1);
    assert.deepEqual(await kept("user.json"), { token });
  });
}

test("WHO-8, WHO-9, WHO-13 a secret of your own", async (t) => {
  const secret = { AUTH_JWT_SECRET: long("secret") };
  const settings = { AUTH: "jwt", AUTH_JWT_ISSUER: "https://www.example.com", AUTH_JWT_AUDIENCE: "chat", ...secret };
  const { url } = await startServer(t, settings);
  const backend = startProgram(t, process.execPath, [example("backend.mjs"), "0"], secret);
  const [port] = await backend.says(/^listening on (\d+)$/);
  const tokenOf = async (who) => {
    const headers = { Cookie: `session=session-of-${who}` };
    const answer = await fetch(`http://127.0.0.1:${port}/chat-token`, { method: "POST", headers });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return await answer.text();
  };
  const stops = [];
  const stopped = (code) => stops.push(code);
  const enter = (who, room) =>
    watch(
      t,
      connect(url + room, () => tokenOf(who), stopped, { forceNew: true }),
    );

  const [ada, bob] = [enter("ada", "/"), enter("bob", "/")];
  const heard = [];
  bob.socket.on("message", (message) => heard.push(message));
  await bob.joined();
  await ada.joined();
  const told = ada.events.find(({ event }) => event === "welcome").args[0].user;
  assert.deepEqual(told, { id: "user-17", name: "Ada Lovelace", role: "admin", expires: told.expires });
  const { id, at } = await ada.say("hello", { username: "Bob" });
  await until("the message", () => heard.length > 0);
  const said = { message: "hello", username: "Ada Lovelace", id, from: "user-17", verified: true, at };
  assert.deepEqual(heard, [said]);

  const reader = await enter("bob", "/rooms/team-b").joined();
  assert.equal((await reader.say("hello")).code, "forbidden");
  assert.equal(await enter("bob", "/rooms/team-a").refused(), "room_forbidden");
  assert.deepEqual(stops, ["room_forbidden"]);
  assert.equal((await (await enter("ada", "/rooms/team-b").joined()).say("hello")).status, "ok");
  assert.equal(await open(t, url).refused(), "unauthorized");
  assert.equal(await open(t, url, { auth: { token: `${await tokenOf("ada")}x` } }).refused(), "unauthorized");
});

describe("an issuer with public keys", { concurrency: true }, () => {
  /** begin starts an issuer and a server that takes its tokens. */
  async function begin(t) {
    const issuer = await startIssuer();
    t.after(() => issuer.server.close());
    const { url } = await startServer(t, settingsFor(issuer));
    const token = (sub, seconds = 600) => issuer.token({ sub, name: sub }, seconds);
    return { issuer, url, token };
  }

  test("keys rotate, and nobody is logged out", async (t) => {
    const { issuer, url, token } = await begin(t);
    let fetched;
    issuer.server.on("request", () => {
      fetched = Date.now();
    });
    const before = token("ada");
    const ada = await join(t, url, { auth: { token: before } });
    issuer.addKey();
    issuer.rotate();
    // The server looks for a key that it does not know, but not twice in a minute. Its minute began when it had the keys,
    // at the latest when it let Ada in, and Bob is the first who shows the new key.
    const known = Date.now();
    await until("a minute has passed", () => Date.now() > known + 61_000, 120_000);
    const bob = await join(t, url, { auth: { token: token("bob") } });
    assert.ok(fetched > known, "the keys were fetched for Bob");
    await sayAll(bob, ["hello"]);
    await ada.heard(1);
    await join(t, url, { auth: { token: before } });
    assert.deepEqual([ada.connects.length, ada.disconnects], [1, []]);
  });

  test("P11 keys rotate over three nodes, and nobody is logged out", async (t) => {
    const issuer = await startIssuer();
    t.after(() => issuer.server.close());
    issuer.addKey(); // published before it signs, as issuers do
    const { servers } = await startCluster(t, settingsFor(issuer));
    const token = (sub, seconds = 600) => issuer.token({ sub }, seconds);
    const old = token("ada");
    const short = token("eve", 1);
    const enterAll = (auth) => Promise.all(servers.map(({ url }) => join(t, url, { auth })));
    const clients = await enterAll({ token: old });

    issuer.rotate();
    clients.push(...(await enterAll({ token: token("bob") })));
    clients.push(...(await enterAll({ token: old })));
    for (const [i, client] of clients.entries()) await sayAll(client, [`from ${i}`]);
    for (const client of clients) {
      await client.heard(clients.length);
      assert.deepEqual([client.connects.length, client.disconnects, client.refusals], [1, [], []]);
    }
    await until("the end of the short token", () => Date.now() > expiry(short));
    for (const { url } of servers) assert.equal(await open(t, url, { auth: { token: short } }).refused(), "expired");
  });

  test("WHO-11 with a token that stays the same, the connection ends for good some time after it", async (t) => {
    const { url, token } = await begin(t);
    const ada = await join(t, url, { auth: { token: token("ada", 3) } });
    await until("its end", () => ada.refusals.length > 0, 60_000);
    assert.deepEqual([ada.disconnects, ada.refusals], [["transport close"], ["expired"]]);
    assert.equal(ada.socket.active, false);
  });

  test("WHO-11 with a function, a client comes back with a new token, and has missed nothing", async (t) => {
    const { url, token } = await begin(t);
    const ada = await join(t, url, { auth: (send) => send({ token: token("ada", 3) }) });
    await until("its return", () => ada.connects.length > 1 && ada.socket.connected, 60_000);
    assert.deepEqual([ada.connects[1].recovered, ada.refusals], [true, []]);
  });

  test("TOK-1 who renews in time stays connected", async (t) => {
    const { url, token } = await begin(t);
    let asked = 0;
    const getToken = async () => {
      asked++;
      return token("ada", 8);
    };
    const ada = await watch(t, connect(url, getToken, assert.fail, { forceNew: true })).joined();
    const beside = await join(t, url, { auth: { token: token("bob", 8) } });
    await until("the end of who does not renew", () => beside.refusals.length > 0, 60_000);
    assert.ok(asked > 4, `asked ${asked} times`);
    assert.deepEqual([ada.connects.length, ada.disconnects], [1, []]);
  });

  test("WHO-9 the client of a page stops when nobody is signed in, or when the token is refused", async (t) => {
    const { url, token } = await begin(t);
    for (const [getToken, why] of [
      [async () => null, "signed_out"],
      [async () => `${token("ada")}x`, "unauthorized"],
      [async () => token("ada", -1), "expired"],
    ]) {
      const stops = [];
      let asked = 0;
      const ask = () => {
        asked++;
        return getToken();
      };
      const { socket } = watch(
        t,
        connect(url, ask, (code) => stops.push(code), { forceNew: true }),
      );
      await until(why, () => stops.length > 0);
      assert.deepEqual([stops, asked, socket.active], [[why], 1, false]);
    }
  });

  test("the client of a page comes back when whoever signs is back", async (t) => {
    const { url, token } = await begin(t);
    let asked = 0;
    const getToken = async () => {
      if (++asked < 3) throw new Error("away");
      return token("ada");
    };
    await watch(t, connect(url, getToken, assert.fail, { forceNew: true })).joined();
    assert.equal(asked, 3);
  });

  test("TOK-3 the client of a page does not repeat a token that is refused", async (t) => {
    const { url, token } = await begin(t);
    const stops = [];
    let asked = 0;
    const getToken = async () => (++asked === 1 ? token("ada", 8) : `${token("ada")}x`);
    const socket = connect(url, getToken, (code) => stops.push(code), { forceNew: true });
    await watch(t, socket).joined();
    await until("its end", () => stops.length > 0, 90_000);
    assert.deepEqual([stops, asked], [["unauthorized"], 3]);
  });
});
