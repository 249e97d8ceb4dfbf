import assert from "node:assert/strict";
import { io as io4 } from "socket.io-client";
import { io as io3 } from "socket.io-client-3";
import { io as io45 } from "socket.io-client-4.5";
import { io as io46 } from "socket.io-client-4.6";
import { io as io47 } from "socket.io-client-4.7";
import { secrets } from "./secrets.mjs";
import { until } from "./until.mjs";

/** The stock clients under test, by version. */
export const versions = { 4.8: io4, 3.1: io3 };

/** More of them, for what changed between the versions: namespaces, and recovery, which began with 4.6. */
export const allVersions = { ...versions, 4.5: io45, 4.6: io46, 4.7: io47 };

/** Whether clients of a version ask for recovery. */
export const recovers = (version) => Number(version) >= 4.6;

/** The ways a client may connect, as its option `transports` (undefined: polling, then the upgrade). */
export const transports = {
  "polling only": ["polling"],
  "websocket only": ["websocket"],
  "default upgrade": undefined,
};

/** Every version with every way to connect. */
export const kinds = Object.keys(versions).flatMap((version) =>
  Object.keys(transports).map((transport) => ({ version, transport, name: `${version}, ${transport}` })),
);

// Tests reconnect sooner than people need to.
const impatient = { reconnectionDelay: 10, reconnectionDelayMax: 40, timeout: 5000 };

/**
 * Client is a stock client that records what it sees: `timeline` (the texts of messages, in the order of arrival), `authors`
 * (their ids), `users` (whom each welcome says it speaks for),
 * `offset` (the last one it was given), `connects` (for each connect: was it recovered, and from which offset),
 * `refusals` (the code of each CONNECT_ERROR).
 */
class Client {
  timeline = [];
  authors = [];
  users = [];
  events = [];
  connects = [];
  disconnects = [];
  refusals = [];
  offset = undefined;
  #pending = new Set();

  constructor(socket) {
    this.socket = socket;
    this.socket.on("connect", () => {
      if (this.socket._pid) secrets.add(this.socket._pid);
      this.connects.push({ recovered: this.socket.recovered, from: this.offset });
    });
    this.socket.on("disconnect", (reason) => this.#left(reason));
    this.socket.on("connect_error", ({ data }) => data && this.refusals.push(data.code));
    this.socket.onAny((event, ...args) => this.#note(event, args));
  }

  #left(reason) {
    this.disconnects.push(reason);
    for (const fail of this.#pending) fail(reason);
  }

  #note(event, args) {
    const last = args.at(-1);
    if (typeof last === "string") this.offset = last;
    if (event === "welcome") this.#welcomed(args[0]);
    if (event === "message") {
      this.timeline.push(args[0].message);
      this.authors.push(args[0].from);
    } else this.events.push({ event, args, after: this.timeline.length });
  }

  #welcomed({ user, token }) {
    this.users.push(user);
    if (token) secrets.add(token);
  }

  /** The transport in use, "polling" or "websocket". */
  get transport() {
    return this.socket.io.engine?.transport.name;
  }

  /** connected waits until the client has been connected so many times. */
  async connected(times = 1) {
    const saw = () => `connected ${times} times, saw ${this.connects.length} and ${this.disconnects}`;
    await until(saw, () => this.connects.length >= times && this.socket.connected);
    return this;
  }

  /** joined waits for the joining offset: from then on this client misses nothing. */
  async joined() {
    await until("the joining offset", () => this.offset !== undefined);
    return this;
  }

  /** online is the newest number that the client was told. */
  get online() {
    return this.events.findLast(({ event }) => event === "presence")?.args[0].online;
  }

  /** refused waits until the server has refused the client, and returns the code. */
  async refused() {
    await until("a refusal", () => this.refusals.length > 0);
    return this.refusals[0];
  }

  /** say sends a message and returns the ack. */
  say(message, more = {}) {
    return this.ask("event:message", { message, username: "tester", ...more });
  }

  /** ask emits an event and returns the ack, which must come in time and before the client is cut off. */
  ask(event, ...args) {
    return new Promise((resolve, reject) => {
      const settled = () => {
        clearTimeout(late);
        this.#pending.delete(fail);
      };
      const fail = (why) => {
        settled();
        reject(new Error(`${why} instead of an ack of ${event} ${JSON.stringify(args)}`));
      };
      const late = setTimeout(fail, 60_000, "a minute passed");
      this.#pending.add(fail);
      this.socket.emit(event, ...args, (ack) => {
        settled();
        resolve(ack);
      });
    });
  }

  /** heard waits until the client has at least so many messages. */
  async heard(count) {
    await until(
      () => `${count} messages, have ${this.timeline.length}`,
      () => this.timeline.length >= count,
      60_000,
    );
    return this.timeline;
  }
}

/** open creates a client that ends with the test, connecting at once. */
export function open(t, url, { version = "4.8", transport = "default upgrade", ...options } = {}) {
  // Without undefined values: the client treats even those as set.
  const chosen = { ...(transports[transport] && { transports: transports[transport] }), ...options };
  return watch(t, allVersions[version](url, { forceNew: true, ...impatient, ...chosen }));
}

/** beside creates a client in a namespace of its own, "/" or "/rooms/cats", over the connection of another one. */
export function beside(t, client, namespace, options) {
  return watch(t, client.socket.io.socket(namespace, options));
}

/** watch records what a stock client sees, and ends it with the test. */
export function watch(t, socket) {
  const client = new Client(socket);
  t.after(() => client.socket.disconnect());
  return client;
}

/** join opens a client and waits for its joining offset. */
export async function join(t, url, options = {}) {
  const client = await open(t, url, options).connected();
  return await client.joined();
}

/** together opens a client in each namespace, all over one connection, and waits until all have joined. */
export async function together(t, url, namespaces, options) {
  const first = await join(t, url + namespaces[0], options);
  const more = namespaces.slice(1).map((namespace) => beside(t, first, namespace));
  return [first, ...(await Promise.all(more.map((client) => client.joined())))];
}

/** numbered returns count texts that name their author and their number. */
export function numbered(who, count) {
  return Array.from({ length: count }, (_, i) => `${who} ${i}`);
}

/**
 * sayAll sends every text without waiting for the one before, checks that all were stored, and waits until the client
 * has got the last one: the ack does not say that the node, which follows the record, has delivered it.
 */
export async function sayAll(client, texts) {
  for (const ack of await Promise.all(texts.map((text) => client.say(text)))) {
    assert.equal(ack.status, "ok", JSON.stringify(ack));
  }
  await until("its own last word", () => client.timeline.lastIndexOf(texts.at(-1)) >= 0);
}
