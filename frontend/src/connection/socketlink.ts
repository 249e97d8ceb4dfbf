import { Manager, type Socket } from "socket.io-client";
import type { Credentials, Identity } from "@/people/identity";
import type { ClientEvents, ServerEvents } from "@/wire/contract";
import type { Limits } from "@/wire/limits";
import { isOffset } from "@/wire/offset";
import {
  readHistoryAnswer,
  readMessage,
  readMessageAnswer,
  readPeopleAnswer,
  readPresence,
  readRoomRefusal,
  readTyping,
  readWelcome,
} from "@/wire/read";
import { namespaceOf, type RoomName } from "@/wire/rooms";
import { connectFailure } from "./failure";
import type { Link, LinkedRoom, LinkListener, RoomLink, RoomListener } from "./link";

/** How many past messages come with a stay that is not recovered. */
export const historyOnJoin = 50;

/** We wait so much longer than a message may wait in the server, so that the server's own answer comes first. */
const ackMarginMs = 5000;

const aliveMs = 4000;

type ChatManager = Manager<ServerEvents, ClientEvents>;
type ChatSocket = Socket<ServerEvents, ClientEvents>;
/** Whom the server lets in, and by which limits. */
type Speaker = Pick<Identity, "getMe" | "subscribe" | "credentials" | "welcomed" | "forget">;

/**
 * socketLink speaks through one Socket.IO connection, with a namespace for each room. The stock client keeps the session
 * id and the last offset of each itself and sends them with the next attempt. Its reconnection is off, because it does
 * not say when it will try.
 */
export function socketLink(url: string, speaker: Speaker, listener: LinkListener): Link {
  const manager: ChatManager = new Manager(url, {
    autoConnect: false,
    reconnection: false,
    timeout: 20_000,
    // A WebSocket needs no second node between the browser and the node that owns the session.
    transports: ["websocket", "polling"],
    tryAllTransports: true,
  });
  const sockets = new Set<ChatSocket>();
  const line: Line = { manager, sockets, speaker, waiting: 0 };
  let connection: "none" | "open" | "entered" = "none";
  // Sockets that stay active would enter the next connection by themselves. The last to end closes the connection.
  const end = () => {
    for (const socket of sockets) socket.disconnect();
  };
  manager.on("close", () => {
    const closed = connection;
    connection = "none";
    if (closed === "none") return;
    end();
    if (closed === "entered") listener.lost();
    else listener.failed({ kind: "unreachable" });
  });
  return {
    connect: () =>
      void manager.open((error) => {
        if (!error) {
          connection = "open";
          return;
        }
        end();
        listener.failed(connectFailure(error));
      }),
    close() {
      if (connection === "open") connection = "none";
      end();
    },
    alive: () => alive(line),
    room: (name, room) =>
      roomLink(line, name, {
        ...room,
        entered(recovered) {
          connection = "entered";
          room.entered(recovered);
        },
      }),
  };
}

/** What the rooms of a link share. */
interface Line {
  readonly manager: ChatManager;
  readonly sockets: Set<ChatSocket>;
  readonly speaker: Speaker;
  /** Requests without an answer. */
  waiting: number;
}

function roomLink(line: Line, name: RoomName, listener: LinkedRoom): RoomLink {
  const { manager, sockets } = line;
  const socket: ChatSocket = manager.socket(namespaceOf(name));
  // The manager keeps the socket of a room that was left. Whoever comes back has no timeline to continue.
  let returns = true;
  const introduction = introduce(line, socket, listener);
  const naming = tellName(line.speaker, socket);
  const credentials = (): Credentials => {
    const given = introduction();
    naming.told(given.username);
    return given;
  };
  // The server sends no history to a stay that is recovered (REC-4).
  socket.auth = (give) =>
    give({ history: historyOnJoin, ...credentials(), ...(returns && { pid: undefined, offset: undefined }) });
  socket.on("connect", () => {
    returns = false;
  });
  listen(socket, listener);
  sockets.add(socket);
  return {
    enter: () => void (socket.active || socket.connect()),
    leave() {
      sockets.delete(socket);
      naming.stop();
      socket.off();
      socket.disconnect();
    },
    send: (message) => asked(line, socket, (s) => s.emitWithAck("event:message", message), readMessageAnswer),
    history: (request) => asked(line, socket, (s) => s.emitWithAck("history", request), readHistoryAnswer),
    people: () => asked(line, socket, (s) => s.emitWithAck("people"), readPeopleAnswer),
    typing: (notice) => void (socket.connected && socket.volatile.emit("typing", notice)),
  };
}

/**
 * introduce tells the server who we are with each CONNECT, and hears who we are to it. The returned function gives the
 * credentials of the next CONNECT.
 */
function introduce({ manager, speaker }: Line, socket: ChatSocket, listener: LinkedRoom): () => Credentials {
  let token: string | undefined; // of the last CONNECT
  let outdated = false;
  socket.on("connect", () => {
    outdated = false;
  });
  socket.on("welcome", (payload: unknown) => {
    const welcome = readWelcome(payload);
    // Another tab was faster to become a guest. The next connection speaks for that one.
    if (welcome && !speaker.welcomed(welcome) && token === undefined) manager.engine.close();
  });
  socket.on("connect_error", (error) => {
    // Only a CONNECT_ERROR has data; a failed attempt to connect is reported by the manager.
    if (!("data" in error)) return;
    const why = readRoomRefusal(error.data);
    if (why !== "unauthorized" || token === undefined || outdated) return listener.refused(why);
    outdated = true;
    speaker.forget(token);
    listener.outdated();
  });
  return () => {
    const credentials = speaker.credentials();
    token = credentials.token;
    return credentials;
  };
}

/** The end of typing that never began is acked and not passed on, but the server remembers the name (TYP-3, PRE-4). */
function nameSign({ getMe }: Speaker): { username: string; typing: boolean } {
  return { username: getMe().username ?? "", typing: false };
}

/** Tells the server a name that was chosen after the CONNECT, so that who says nothing has a name in the list of people. */
function tellName(speaker: Speaker, socket: ChatSocket): { told(username: string | undefined): void; stop(): void } {
  let told: string | undefined;
  const tell = () => {
    const { username } = speaker.getMe();
    if (!socket.connected || username === null || username === told) return;
    told = username;
    socket.emit("typing", nameSign(speaker));
  };
  socket.on("connect", tell);
  const stop = speaker.subscribe(tell);
  return {
    told(username) {
      told = username;
    },
    stop,
  };
}

/** Any packet is a sign of life: the answer itself may wait behind packets that were sent before it (LIM-1). */
async function alive({ manager, sockets, speaker }: Line): Promise<boolean> {
  const socket = [...sockets].find(({ connected }) => connected);
  if (!socket) return false;
  const ask = (s: TimedSocket) => s.emitWithAck("typing", nameSign(speaker));
  const heard = new Promise<true>((resolve) => manager.engine?.once("packet", () => resolve(true)));
  return (await Promise.race([heard, answered(socket, ask, () => true, aliveMs)])) === true;
}

function listen(socket: ChatSocket, listener: RoomListener): void {
  socket.on("connect", () => listener.entered(socket.recovered));
  socket.on("disconnect", (reason) => {
    if (reason !== "io server disconnect") return; // the end of the connection, or our own doing
    listener.lost();
  });
  socket.on("message", (payload: unknown, offset: unknown) => {
    const message = readMessage(payload, offset);
    if (message) listener.message(message);
  });
  socket.on("presence", (payload: unknown, joined?: unknown) => {
    if (isOffset(joined)) listener.joined(joined);
    const presence = readPresence(payload);
    if (presence) listener.presence(presence.online);
  });
  socket.on("typing", (payload: unknown) => {
    const notice = readTyping(payload);
    if (notice) listener.typing(notice);
  });
}

type TimedSocket = ReturnType<ChatSocket["timeout"]>;

/** Asks the server for something. It delays what exceeds its rate (LIM-1). */
async function asked<T>(
  line: Line,
  socket: ChatSocket,
  ask: (socket: TimedSocket) => Promise<unknown>,
  read: (answer: unknown) => T,
): Promise<T | undefined> {
  const timeoutMs = patienceMs(line.speaker.getMe().limits, ++line.waiting);
  return answered(socket, ask, read, timeoutMs).finally(() => line.waiting--);
}

export function patienceMs({ appendMs, messageRate, messageBurst }: Limits, waiting: number): number {
  const delayed = messageRate > 0 ? Math.max(waiting - messageBurst, 0) / messageRate : 0;
  return appendMs + ackMarginMs + Math.ceil(delayed * 1000);
}

/** The stock client would buffer an event while it is not connected; the outbox does that instead. */
async function answered<T>(
  socket: ChatSocket,
  ask: (socket: TimedSocket) => Promise<unknown>,
  read: (answer: unknown) => T,
  timeoutMs: number,
): Promise<T | undefined> {
  if (!socket.connected) return undefined;
  try {
    return read(await ask(socket.timeout(timeoutMs)));
  } catch {
    return undefined; // timed out, or the connection is gone
  }
}
