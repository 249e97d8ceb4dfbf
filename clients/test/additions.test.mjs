// What the contract adds to the original: older history on request, who is typing, and who is here.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { test } from "node:test";
import { join, kinds, numbered, sayAll } from "../client.mjs";
import { fixture } from "../fixtures.mjs";
import { startServer } from "../server.mjs";
import { until } from "../until.mjs";

for (const kind of kinds) {
  test(`HIS-1, HIS-2 walking back through everything: ${kind.name}`, async (t) => {
    const { url } = await startServer(t, { MESSAGE_RATE: "0" });
    const speaker = await join(t, url);
    const texts = numbered("past", 250);
    await sayAll(speaker, texts);
    const reader = await join(t, url, kind);
    let pages = [];
    for (let before, more = true; more; before = pages[0].offset) {
      const answer = await reader.ask("history", { before, limit: 60 });
      assert.equal(answer.status, "ok", JSON.stringify(answer));
      assert(answer.messages.length <= 60);
      pages = [...answer.messages, ...pages];
      more = answer.more;
    }
    assert.deepEqual(
      pages.map(({ message }) => message),
      texts,
    );
    assert.deepEqual(reader.timeline, [], "history is an answer, not an event");
  });

  test(`HIS-9, HIS-10 from a message in the middle to both ends: ${kind.name}`, async (t) => {
    const DATA_DIR = await mkdtemp(path(tmpdir(), "record-"));
    t.after(() => rm(DATA_DIR, { recursive: true }));
    const { url } = await startServer(t, { DATA_DIR, MESSAGE_RATE: "0", HISTORY_WINDOW: "100", HISTORY_MAX: "50" });
    const speaker = await join(t, url);
    const texts = numbered("past", 250);
    await sayAll(speaker, texts);
    const reader = await join(t, url, kind);
    const ask = async (place) => {
      const answer = await reader.ask("history", { ...place, limit: 60 });
      assert.equal(answer.status, "ok", JSON.stringify(answer));
      return answer;
    };
    const newest = await ask({});
    assert(!("newer" in newest), "an answer as before");
    const { messages: older } = await ask({ before: newest.messages[0].offset });
    const place = older[Math.floor(older.length / 2)].offset;
    let { messages, more, newer } = await ask({ around: place });
    assert.equal(messages.length, 60);
    assert.equal(messages[30].offset, place);
    for (let answer; more; more = answer.more) {
      answer = await ask({ before: messages[0].offset });
      messages = [...answer.messages, ...messages];
    }
    for (let answer; newer; newer = answer.newer) {
      answer = await ask({ after: messages.at(-1).offset });
      messages = [...messages, ...answer.messages];
    }
    assert.deepEqual(
      messages.map(({ message }) => message),
      texts,
    );
  });

  test(`TYP-1, TYP-2 others hear who is typing: ${kind.name}`, async (t) => {
    const { url } = await startServer(t);
    const typist = await join(t, url, kind);
    const watchers = [await join(t, url, kind), await join(t, url)];
    const typing = ({ events }) => events.filter(({ event }) => event === "typing").map(({ args }) => args[0]);
    const said = [];
    const say = async (typing) => {
      const answer = await typist.ask("typing", { username: "ada", typing });
      if (answer.status === "ok") said.push(typing);
      return answer;
    };
    const heard = (value) => watchers.every((watcher) => typing(watcher).some(({ typing }) => typing === value));
    // Notices are volatile: a client that has not read the last one may miss the next (TYP-5), and then gets a later one.
    assert.deepEqual(await say(true), { status: "ok" });
    await until("the beginning", async () => {
      if (!heard(true)) await say(true);
      return heard(true);
    });
    assert.deepEqual(await say(false), { status: "ok" });
    await until("the end", async () => {
      for (const value of heard(false) ? [] : [true, false]) await say(value);
      return heard(false);
    });
    for (const watcher of watchers) {
      const notices = typing(watcher);
      // The notices that were sent, in that order, none twice; usually all of them.
      assert.equal(notices[0].typing, true);
      let next = 0;
      for (const notice of notices) {
        next = said.indexOf(notice.typing, next) + 1;
        assert.notEqual(next, 0, `heard ${JSON.stringify(notices)}, said ${said}`);
      }
      assert.deepEqual([...new Set(notices.map(({ username }) => username))], ["ada"]);
      assert.equal(new Set(notices.map(({ id }) => id)).size, 1);
    }
    assert.deepEqual(typing(typist), []);
  });
}

for (const kind of kinds) {
  test(`PRE-4, PRE-6 who is here: ${kind.name}`, async (t) => {
    const { url } = await startServer(t);
    const ids = new Map();
    const guest = async (username, namespace = "") => {
      const client = await join(t, url + namespace, { ...kind, auth: username && { username } });
      const welcome = ({ event }) => event === "welcome";
      await until("the welcome", () => client.events.some(welcome));
      ids.set(username ?? "anonymous", client.events.find(welcome).args[0].user.id);
      return client;
    };
    const people = (...names) => ({ total: names.length, people: names.map((name) => ({ id: ids.get(name), name })) });
    await guest("elsewhere", "/rooms/cats");
    const bob = await guest("bob");
    const lurker = await guest(undefined);
    await guest("ada");
    assert.deepEqual(await bob.ask("people"), people("ada", "bob", "anonymous"));
    await lurker.ask("event:message", { message: "I am here", username: "aaron" });
    ids.set("aaron", ids.get("anonymous"));
    bob.socket.disconnect();
    // An answer may be a second old.
    let answer;
    await until("the newest answer", async () => {
      answer = await lurker.ask("people");
      await new Promise((resolve) => setTimeout(resolve, 500)); // as often as the rates allow
      return answer.total === 2 && answer.people[0].name === "aaron";
    });
    assert.deepEqual(answer, people("aaron", "ada"));
  });
}

test("HIS-3 a request of another shape is refused", async (t) => {
  const { url } = await startServer(t);
  const { cases } = fixture("client-history");
  for (const { spec, name, args, ack } of cases.filter(({ ack }) => ack.status === "error")) {
    // One connection for each, because a connection may not ask often.
    const client = await join(t, url, { transport: "websocket only" });
    const { status, code } = await client.ask("history", ...args);
    assert.deepEqual({ status, code }, { status: ack.status, code: ack.code }, `${spec} ${name}`);
    client.socket.disconnect();
  }
});

test("TYP-3, TYP-4 every notice of the fixtures is answered and relayed as they say", async (t) => {
  const { url } = await startServer(t);
  const watcher = await join(t, url);
  const heard = [];
  watcher.socket.on("typing", ({ username, typing }) => heard.push({ username, typing }));
  const { cases } = fixture("client-typing");
  for (const { spec, name, args, ack, relayed } of cases) {
    const typist = await join(t, url, { transport: "websocket only" });
    const { status, code } = await typist.ask("typing", ...args);
    assert.deepEqual({ status, code }, { status: ack.status, code: ack.code }, `${spec} ${name}`);
    if (relayed) {
      await until(`${spec} ${name}`, () => heard.length > 0);
      assert.deepEqual(heard.splice(0), [{ username: relayed.username, typing: relayed.typing }], `${spec} ${name}`);
    }
    typist.socket.disconnect();
  }
  assert.deepEqual(heard, []);
});
