// P11: nobody speaks in another's place, as stock clients see it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allVersions, beside, join, open, recovers, together } from "../client.mjs";
import { ownerOf, startCluster } from "../cluster.mjs";
import { secret, tokenOf } from "../secrets.mjs";
import { startServer } from "../server.mjs";
import { until } from "../until.mjs";

const guests = secret("signs the ids of guests");
const issuer = secret("signs the tokens of users");
const withTokens = { AUTH: "jwt,guest", AUTH_JWT_SECRET: issuer };

/** cut ends the connection under some clients, which share it, and waits until each is welcome again. */
async function cut(...clients) {
  const times = clients.map(({ users }) => users.length);
  clients[0].socket.io.engine.close();
  await until("the next welcome", () => clients.every(({ users }, i) => users.length > times[i]));
}

/** speaks sends a message until it is stored, and returns the id of its author as others get it. */
async function speaks(client, text) {
  const stored = async () => (await client.say(text, { id: text }).catch(() => undefined))?.status === "ok";
  await until("the ack", stored);
  await until("its own word", () => client.timeline.includes(text));
  return client.authors[client.timeline.lastIndexOf(text)];
}

const idsOf = ({ users }) => users.map(({ id }) => id);

for (const version of Object.keys(allVersions)) {
  test(`P11 a stock client is a guest, and chats as ever: ${version}`, async (t) => {
    const server = await startServer(t, { AUTH_SECRET: guests });
    const client = await join(t, server.url, { version });
    const witness = await join(t, server.url);
    const id = await speaks(client, "hello");
    assert.match(id, /^~[\w-]{16}$/);
    await witness.heard(1);
    assert.deepEqual([witness.authors, client.users[0]], [[id], { id, guest: true }]);
    assert.notEqual(await speaks(witness, "hi"), id);

    await cut(client);
    await server.stop("SIGKILL");
    await server.start();
    await until("back", () => client.users.length === 3);
    const expected = recovers(version) ? [id, id, id] : [id];
    assert.deepEqual(
      idsOf(client).slice(0, expected.length),
      expected,
      "only older clients, which send no pid, are new guests",
    );
    assert.equal(await speaks(client, "back"), client.users.at(-1).id);
    assert.deepEqual(client.refusals, []);
  });
}

for (const version of Object.keys(allVersions).filter(recovers)) {
  test(`P11 a guest stays who it is behind the balancer, and over kill -9 of its node: ${version}`, async (t) => {
    const { servers, url } = await startCluster(t);
    const clients = await together(t, url, ["/", "/rooms/cats", "/rooms/dogs"], { version });
    const [client] = clients;
    const { id } = client.users[0];
    for (let i = 0; i < 4; i++) {
      await cut(...clients);
      for (const each of clients) assert.equal(await speaks(each, `text ${i}`), id);
    }
    const times = clients.map(({ users }) => users.length);
    await ownerOf(client, servers).stop("SIGKILL");
    await until("welcome on another node", () => clients.every(({ users }, i) => users.length > times[i]));
    for (const each of clients) {
      assert.equal(await speaks(each, "after"), id);
      assert.deepEqual(new Set(idsOf(each)), new Set([id]));
    }
    const late = beside(t, client, "/rooms/birds");
    await cut(...clients); // the CONNECT of the new room has no pid
    await late.joined();
    assert.deepEqual(new Set(idsOf(late)), new Set([id]));
  });
}

test("P11 two sockets with different tokens over one connection", async (t) => {
  const server = await startServer(t, withTokens);
  const auth = (sub) => ({ auth: { token: tokenOf(issuer, sub, 3600, { name: sub.toUpperCase() }) } });
  const ada = await join(t, `${server.url}/rooms/cats`, auth("ada"));
  const bob = await beside(t, ada, "/rooms/dogs", auth("bob")).joined();
  assert.equal(ada.socket.io, bob.socket.io);
  for (let i = 0; i < 4; i++) {
    assert.deepEqual([await speaks(ada, `a${i}`), await speaks(bob, `b${i}`)], ["ada", "bob"]);
    await cut(ada, bob);
  }
  assert.deepEqual([new Set(idsOf(ada)), new Set(idsOf(bob))], [new Set(["ada"]), new Set(["bob"])]);
  assert.deepEqual([ada.users[0].name, ada.connects.slice(1).every(({ recovered }) => recovered)], ["ADA", true]);
  const renewal = { token: tokenOf(issuer, "bob", 7200) };
  assert.deepEqual((await ada.ask("token", renewal)).code, "unauthorized");
  assert.equal((await bob.ask("token", renewal)).status, "ok");
});

test("P11 credentials that are none are refused, and a stock client stays away", async (t) => {
  const server = await startServer(t, withTokens);
  for (const [code, token] of [
    ["unauthorized", tokenOf(guests, "ada", 3600)],
    ["unauthorized", 7],
    ["expired", tokenOf(issuer, "ada", -1)],
  ]) {
    const client = open(t, server.url, { auth: { token } });
    assert.equal(await client.refused(), code);
    assert.equal(client.socket.active, false);
  }
});

test("P11 at the end of a token, a function is asked for another one, and a static object is not enough", async (t) => {
  const server = await startServer(t, withTokens);
  let asked = 0;
  const fresh = (send) => send({ token: tokenOf(issuer, "ada", asked++ === 0 ? 2 : 3600) });
  const [client, fixed] = await Promise.all([
    join(t, server.url, { auth: fresh }),
    join(t, server.url, { auth: { token: tokenOf(issuer, "bob", 2) } }),
  ]);
  const renewing = await join(t, server.url, { auth: { token: tokenOf(issuer, "eve", 2) } });
  assert.equal((await renewing.ask("token", { token: tokenOf(issuer, "eve", 3600) })).status, "ok");
  assert.equal(await speaks(client, "before"), "ada");

  const grace = 60_000; // the server waits 30 to 40 seconds
  await until("both were sent back", () => client.users.length === 2 && fixed.refusals.length === 1, grace);
  assert.deepEqual([asked, client.connects[1].recovered, client.refusals], [2, true, []]);
  assert.deepEqual([fixed.refusals, fixed.socket.active], [["expired"], false]);
  assert.notEqual(client.disconnects[0], "io server disconnect", "a stock client would stay away");
  assert.deepEqual([await speaks(client, "after"), client.timeline], ["ada", ["before", "after"]]);
  assert.deepEqual([renewing.disconnects, await speaks(renewing, "still here")], [[], "eve"]);
});
