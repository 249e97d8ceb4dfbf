// WHO: for whom stock clients speak; the names carry the numbers of protocol/SPEC.md.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { startIssuer } from "../../docs/examples/issuer.mjs";
import { allVersions, beside, join, open, together } from "../client.mjs";
import { freePort, startServer } from "../server.mjs";
import { until } from "../until.mjs";

/** welcome waits for what a client is told of itself. */
async function welcome(client) {
  const newest = () => client.events.findLast(({ event }) => event === "welcome");
  await until("the welcome", newest);
  return newest().args[0];
}

const idOf = async (client) => (await welcome(client)).user.id;
const namespaces = ["/", "/rooms/cats", "/rooms/dogs"];

/** startWithIssuer starts a server that takes guests and the tokens of an issuer; returns its address and a signer. */
async function startWithIssuer(t) {
  const issuer = await startIssuer();
  t.after(() => issuer.server.close());
  const { url } = await startServer(t, { AUTH: "jwt,guest", AUTH_JWKS_URL: `${issuer.url}/.well-known/jwks.json` });
  return { url, token: (sub, more) => issuer.token({ sub, ...more }, 600) };
}

for (const version of Object.keys(allVersions)) {
  test(`WHO-1, WHO-4 a connection without credentials is one guest in all namespaces: ${version}`, async (t) => {
    const { url } = await startServer(t);
    const clients = await together(t, url, namespaces, { version });
    const [id, ...others] = await Promise.all(clients.map(idOf));
    assert.match(id, /^~[\w-]{16}$/);
    assert.deepEqual(others, [id, id]);
    assert.notEqual(await idOf(await join(t, url, { version })), id, "another connection is another guest");
  });
}

test("WHO-3 a pid says who a guest is, without an offset and in any namespace; another one says nothing", async (t) => {
  const { url } = await startServer(t);
  const { user, token } = await welcome(await join(t, url));
  assert.equal(await idOf(await join(t, `${url}/rooms/cats`, { auth: { pid: token } })), user.id);
  for (const pid of [`${token.slice(0, -2)}AA`, `~${"A".repeat(48)}`, "p".repeat(64), "p".repeat(5000), user.id, ""]) {
    const stranger = await join(t, url, { auth: { pid, offset: "1-0" } });
    assert.notEqual(await idOf(stranger), user.id);
    assert.equal(stranger.connects[0].recovered ?? false, false);
  }
});

test("WHO-5 a token that is not valid is refused, also where the connection speaks for somebody already", async (t) => {
  const { url, token } = await startWithIssuer(t);
  const guest = await join(t, url);
  const { token: mine } = await welcome(guest);
  const bad = [`${mine.slice(0, -2)}AA`, "~", "x.y.z", `${token("ada")}x`, 7, ["x"], {}, "x".repeat(5000)];
  for (const [i, wrong] of bad.entries()) {
    const namespace = `/rooms/r${i}`;
    assert.equal(
      await beside(t, guest, namespace, { auth: { token: wrong } }).refused(),
      "unauthorized",
      String(wrong),
    );
  }
  assert.equal((await guest.say("still here")).status, "ok");
});

test("WHO-6 users who share a connection speak in their own namespaces, with their own rights", async (t) => {
  const { url, token } = await startWithIssuer(t);
  const ada = await join(t, `${url}/rooms/cats`, { auth: { token: token("ada", { name: "Ada" }) } });
  const rooms = { auth: { token: token("bob", { rooms: { dogs: "write", birds: "read" } }) } };
  const dogs = beside(t, ada, "/rooms/dogs", rooms);
  const birds = beside(t, ada, "/rooms/birds", rooms);
  const inherits = beside(t, ada, "/");
  assert.deepEqual(await Promise.all([ada, dogs, birds, inherits].map(idOf)), ["ada", "bob", "bob", "ada"]);
  assert.equal((await birds.say("no")).code, "forbidden");
  for (const [client, from] of [
    [ada, "ada"],
    [dogs, "bob"],
    [inherits, "ada"],
  ]) {
    const heard = [];
    client.socket.on("message", (message) => heard.push(message.from));
    assert.equal((await client.say("hello")).status, "ok");
    await until("the message", () => heard.length > 0);
    assert.deepEqual(heard, [from]);
  }
});

test("WHO-10 while the keys of the issuer are away, nobody is refused", async (t) => {
  const jwks = `http://127.0.0.1:${await freePort()}/keys`;
  const { url } = await startServer(t, { AUTH: "jwt", AUTH_JWKS_URL: jwks });
  const issuer = await startIssuer();
  issuer.server.close();
  const ada = open(t, url, { auth: { token: issuer.token({ sub: "ada" }, 600) } });
  let closed = 0;
  ada.socket.io.on("close", () => closed++);
  await until("the client has come back and been sent away again", () => closed > 2);
  assert.deepEqual([ada.refusals, ada.socket.active], [[], true]);
});

/** tableOf reads what docs/AUTH.md says is refused: a row is what the client sends and what it is under each AUTH. */
async function tableOf(page) {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  const rows = /^\| the client sends .*\n\|-.*\n((\|.*\n)+)/m.exec(text)[1].trim().split("\n");
  return rows.map((row) =>
    row
      .replaceAll("`", "")
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test("WHO-2, WHO-9 docs/AUTH.md says who is refused, and who is not", async (t) => {
  const issuer = await startIssuer();
  t.after(() => issuer.server.close());
  const settings = {
    AUTH_SECRET: "a secret of thirty-two characters",
    AUTH_JWKS_URL: `${issuer.url}/.well-known/jwks.json`,
  };
  const start = (AUTH) => startServer(t, { ...settings, AUTH });
  const servers = await Promise.all(["guest", "jwt", "jwt,guest"].map(start));
  const known = await welcome(await join(t, servers[0].url));
  const bad = `${known.token.slice(0, -2)}AA`;
  const sent = {
    nothing: {},
    "a guest's token": { token: known.token },
    "a guest's pid alone": { pid: known.token },
    "a pid alone that is not valid": { pid: bad },
    "a guest's token that is not valid": { token: bad },
    "a valid token of yours": { token: issuer.token({ sub: "ada" }, 600) },
    "one that has expired": { token: issuer.token({ sub: "ada" }, -1) },
    "any other token": { token: "x.y.z" },
    "a token without the right to read here": { token: issuer.token({ sub: "ada", rooms: {} }, 600) },
  };
  const whoIs = { [known.user.id]: "that guest", ada: "that user" };
  const result = async (url, auth) => {
    const client = open(t, url, { auth });
    await until("an answer", () => client.connects.length + client.refusals.length > 0);
    return client.refusals[0] ?? whoIs[await idOf(client)] ?? "a new guest";
  };
  for (const [what, ...expected] of await tableOf("AUTH.md")) {
    assert.ok(sent[what], what);
    assert.deepEqual(await Promise.all(servers.map(({ url }) => result(url, sent[what]))), expected, what);
  }
});
