import { Manager, type Socket } from "socket.io-client";
import type { ClientEvents, ServerEvents } from "@/wire/contract";
import { isOffset } from "@/wire/offset";
import {
  readHistoryAnswer,
  readMessage,
  readMessageAnswer,
  readPresence,
  readRoomRefusal,
  readTyping,
} from "@/wire/read";
import { namespaceOf, type RoomName } from "@/wire/rooms";
import { connectFailure } from "./failure";
import type { Link, LinkListener, RoomLink, RoomListener } from "./link";

/** How many past messages come with a stay that is not recovered. */
export const historyOnJoin = 50;

/** Longer than the server waits for its stream (APPEND_TIMEOUT), so that the server's own answer comes first. */
const ackTimeoutMs = 15_000;

const aliveMs = 4000;

type ChatManager = Manager<ServerEvents, ClientEvents>;
type ChatSocket = Socket<ServerEvents, ClientEvents>;

/**
 * socketLink speaks through one Socket.IO connection, with a namespace for each room. The stock client keeps the session
 * id and the last offset of each itself and sends them with the next attempt. Its reconnection is off, because it does
 * not say when it will try.
 */
export function socketLink(url: string, listener: LinkListener): Link {
  const manager: ChatManager = new Manager(url, {
    autoConnect: false,
    reconnection: false,
    timeout: 20_000,
    // A WebSocket needs no second node between the browser and the node that owns the session.
    transports: ["websocket", "polling"],
    tryAllTransports: true,
  });
  const sockets = new Set<ChatSocket>();
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
    alive: () => alive(manager, sockets),
    room: (name, room) =>
      roomLink(manager, sockets, name, {
        ...room,
        entered(recovered) {
          connection = "entered";
          room.entered(recovered);
        },
      }),
  };
}

function roomLink(manager: ChatManager, sockets: Set<ChatSocket>, name: RoomName, listener: RoomListener): RoomLink {
  const socket: ChatSocket = manager.socket(namespaceOf(name));
  // The manager keeps the socket of a room that was left. Whoever comes back has no timeline to continue.
  let returns = true;
  // The server sends no history to a stay that is recovered (REC-4).
  socket.auth = (give) =>
    give({ history: historyOnJoin, ...(returns ? { pid: undefined, offset: undefined } : undefined) });
  socket.on("connect", () => {
    returns = false;
  });
  listen(socket, listener);
  sockets.add(socket);
  return {
    enter: () => void (socket.active || socket.connect()),
    leave() {
      sockets.delete(socket);
      socket.off();
      socket.disconnect();
    },
    send: (message) => answered(socket, (s) => s.emitWithAck("event:message", message), readMessageAnswer),
    history: (request) => answered(socket, (s) => s.emitWithAck("history", request), readHistoryAnswer),
    typing: (notice) => void (socket.connected && socket.volatile.emit("typing", notice)),
  };
}

/** Any packet is a sign of life: the answer itself may wait behind packets that were sent before it (LIM-1). */
async function alive(manager: ChatManager, sockets: ReadonlySet<ChatSocket>): Promise<boolean> {
  const socket = [...sockets].find(({ connected }) => connected);
  if (!socket) return false;
  // The end of typing that never began is acked and not passed on (TYP-3).
  const sign = { username: "", typing: false };
  const ask = (s: TimedSocket) => s.emitWithAck("typing", sign);
  const heard = new Promise<true>((resolve) => manager.engine?.once("packet", () => resolve(true)));
  return (await Promise.race([heard, answered(socket, ask, () => true, aliveMs)])) === true;
}

function listen(socket: ChatSocket, listener: RoomListener): void {
  socket.on("connect", () => listener.entered(socket.recovered));
  socket.on("disconnect", (reason) => {
    if (reason !== "io server disconnect") return; // the end of the connection, or our own doing
    listener.lost();
  });
  socket.on("connect_error", (error) => {
    // Only a CONNECT_ERROR has data; a failed attempt to connect is reported by the manager.
    if ("data" in error) listener.refused(readRoomRefusal(error.data));
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

/** The stock client would buffer an event while it is not connected; the outbox does that instead. */
async function answered<T>(
  socket: ChatSocket,
  ask: (socket: TimedSocket) => Promise<unknown>,
  read: (answer: unknown) => T,
  timeoutMs = ackTimeoutMs,
): Promise<T | undefined> {
  if (!socket.connected) return undefined;
  try {
    return read(await ask(socket.timeout(timeoutMs)));
  } catch {
    return undefined; // timed out, or the connection is gone
  }
}
