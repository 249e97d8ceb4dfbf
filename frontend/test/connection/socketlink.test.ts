import { beforeEach, describe, expect, test, vi } from "vitest";
import { Connector } from "@/connection/connector";
import { patienceMs, socketLink } from "@/connection/socketlink";
import { Identity } from "@/people/identity";
import { firstLimits } from "@/wire/limits";
import { lobby, type RoomName } from "@/wire/rooms";
import { FakeMemory } from "../fakelink";
import { welcome } from "../make";

/** What the server gets: for each CONNECT, the namespace and what it says of us. */
type Connect = [namespace: string, auth: Record<string, unknown>];

/** The part of the stock client that is needed to connect. Like there, the end of the last socket ends the connection. */
const line = vi.hoisted(() => {
  type Handler = (...args: unknown[]) => void;
  class Emitter {
    #handlers = new Map<string, Handler[]>();
    on(event: string, handler: Handler) {
      this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]);
    }
    tell(event: string, ...args: unknown[]) {
      for (const handler of this.#handlers.get(event) ?? []) handler(...args);
    }
  }
  const line = {
    connects: [] as unknown[][],
    sent: [] as unknown[][],
    sockets: new Map<string, Socket>(),
    closes: 0,
    isOpen: false,
    close(manager: Emitter) {
      line.isOpen = false;
      line.closes++;
      manager.tell("close");
    },
  };
  class Socket extends Emitter {
    active = false;
    connected = false;
    recovered = false;
    auth: (give: (auth: object) => void) => void = () => {};
    readonly #manager: Emitter;
    readonly #namespace: string;
    constructor(manager: Emitter, namespace: string) {
      super();
      this.#manager = manager;
      this.#namespace = namespace;
    }
    connect() {
      this.active = true;
      this.auth((auth) => line.connects.push([this.#namespace, auth]));
    }
    emit(...sent: unknown[]) {
      line.sent.push([this.#namespace, ...sent]);
    }
    accept(payload: unknown) {
      this.connected = true;
      this.tell("connect");
      this.tell("presence", { online: 1 }, "5-0");
      this.tell("welcome", payload);
    }
    refuse(code: string) {
      this.disconnect();
      this.tell("connect_error", Object.assign(new Error(code), { data: { code } }));
    }
    disconnect() {
      [this.active, this.connected] = [false, false];
      if (line.isOpen && [...line.sockets.values()].every(({ active }) => !active)) line.close(this.#manager);
    }
  }
  class Manager extends Emitter {
    engine = { close: () => line.close(this) };
    open(done: () => void) {
      line.isOpen = true;
      done();
    }
    socket(namespace: string) {
      const socket = new Socket(this, namespace);
      line.sockets.set(namespace, socket);
      return socket;
    }
  }
  return Object.assign(line, { Manager });
});

vi.mock("socket.io-client", () => ({ Manager: line.Manager }));

beforeEach(() => {
  Object.assign(line, { connects: [], sent: [], closes: 0, isOpen: false });
  line.sockets.clear();
});

const settle = () => new Promise((resolve) => setTimeout(resolve));

/** A page in rooms, over a link to a server that the test is. */
async function open({ browser = new FakeMemory(), rooms = [lobby] as RoomName[] } = {}) {
  const identity = new Identity(browser, new FakeMemory());
  const connector = new Connector(
    (listener) => socketLink("http://chat.test", identity, listener),
    () => true,
  );
  const refused = vi.fn();
  const ignored = { entered() {}, lost() {}, joined() {}, message() {}, presence() {}, typing() {} };
  for (const name of rooms) connector.join(name, { ...ignored, refused });
  connector.start();
  await settle();
  const at = (namespace = "/") => {
    const socket = line.sockets.get(namespace);
    if (!socket) throw new Error(`Nobody asked for ${namespace}.`);
    return socket;
  };
  return { identity, connector, browser, refused, at };
}

const connects = () => line.connects as Connect[];

/** A browser that was a guest. */
function knownBrowser(): FakeMemory {
  const browser = new FakeMemory();
  new Identity(browser, new FakeMemory()).welcomed(welcome("~1"));
  return browser;
}

describe("P11 who we are", () => {
  test("is said with each CONNECT, and heard with each welcome", async () => {
    const { identity, connector, at } = await open();
    expect(connects()[0]?.[1]).toMatchObject({ history: 50 });
    expect(connects()[0]?.[1].token).toBeUndefined();
    identity.rename("ada");
    at().accept(welcome("~1"));
    expect(identity.getMe().user?.id).toBe("~1");
    at().disconnect();
    connector.retryNow();
    await vi.waitFor(() => expect(connects()[1]?.[1]).toMatchObject({ token: "~1.secret", username: "ada" }));
  });

  test("a server that does not know our guest makes another one, at once and in each room", async () => {
    const { identity, refused, at } = await open({ browser: knownBrowser(), rooms: [lobby, "cats"] });
    expect(connects().map(([, { token }]) => token)).toEqual(["~1.secret", "~1.secret"]);
    at().refuse("unauthorized");
    expect(connects()[2]?.[0]).toBe("/");
    expect(connects()[2]?.[1].token).toBeUndefined();
    at().accept(welcome("~2"));
    at("/rooms/cats").refuse("unauthorized");
    expect(connects()[3]).toMatchObject(["/rooms/cats", { token: "~2.secret" }]);
    at("/rooms/cats").accept(welcome("~2"));
    expect(identity.credentials()).toEqual({ token: "~2.secret" });
    expect(refused).not.toHaveBeenCalled();
  });

  test("the refusal of the only room ends the connection, and the next begins at once", async () => {
    const { connector, at } = await open({ browser: knownBrowser() });
    at().refuse("unauthorized");
    expect(line.closes).toBe(1);
    expect(connector.getConnection()).toMatchObject({ retryAt: null });
    await settle();
    expect(connects()).toHaveLength(2);
    at().accept(welcome("~2"));
    expect(connector.getConnection()).toEqual({ state: "live" });
  });

  test("a server that wants a sign-in is asked once more, and then left alone", async () => {
    const { connector, refused, at } = await open({ browser: knownBrowser() });
    at().refuse("unauthorized");
    await settle();
    at().refuse("unauthorized");
    await settle();
    expect(connects()).toHaveLength(2);
    expect(refused.mock.calls).toEqual([["unauthorized"]]);
    expect(connector.getConnection()).toEqual({ state: "idle" });
  });

  test("a token that has expired is kept, and said", async () => {
    const { identity, refused, at } = await open({ browser: knownBrowser() });
    at().refuse("expired");
    expect(refused.mock.calls).toEqual([["expired"]]);
    expect(identity.credentials()).toEqual({ token: "~1.secret" });
  });

  test("a tab that was slower comes back as the guest of the others", async () => {
    const { browser, connector, at } = await open();
    new Identity(browser, new FakeMemory()).welcomed(welcome("~1"));
    at().accept(welcome("~2"));
    expect(line.closes).toBe(1);
    connector.retryNow();
    await settle();
    expect(connects()[1]?.[1]).toMatchObject({ token: "~1.secret" });
    at().accept(welcome("~1"));
    expect(line.closes).toBe(1);
  });
});

test("PRE-4 a name that is chosen after the CONNECT is told in each room, and each name once", async () => {
  const { identity, connector, at } = await open({ rooms: [lobby, "cats"] });
  at().accept(welcome("~1"));
  expect(line.sent).toEqual([]);
  identity.rename("ada");
  const ada = ["typing", { username: "ada", typing: false }];
  expect(line.sent).toEqual([["/", ...ada]]);
  at("/rooms/cats").accept(welcome("~1"));
  identity.rename("ada");
  expect(line.sent).toEqual([
    ["/", ...ada],
    ["/rooms/cats", ...ada],
  ]);
  for (const name of ["/", "/rooms/cats"]) at(name).disconnect();
  connector.retryNow();
  await vi.waitFor(() => expect(connects()).toHaveLength(4));
  at().accept(welcome("~1"));
  expect(line.sent).toHaveLength(2); // the CONNECT has said it
});

test("LIM-1 an answer may take as long as the server delays the request", () => {
  expect(patienceMs(firstLimits, 1)).toBe(15_000);
  expect(patienceMs({ ...firstLimits, appendMs: 2000 }, 1)).toBe(7000);
  expect(patienceMs({ ...firstLimits, messageRate: 2, messageBurst: 10 }, 100)).toBe(60_000);
  expect(patienceMs({ ...firstLimits, messageRate: 0, messageBurst: 0 }, 100)).toBe(15_000);
});
