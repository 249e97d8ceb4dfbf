import { io, type Socket } from "socket.io-client";
import type { ClientEvents, ServerEvents } from "@/wire/contract";
import { isOffset } from "@/wire/offset";
import { readHistoryAnswer, readMessage, readMessageAnswer, readPresence, readTyping } from "@/wire/read";
import { connectFailure } from "./failure";
import type { Link, LinkListener } from "./link";

/** How many past messages come with a connection that is not recovered. */
export const historyOnJoin = 50;

/** Longer than the server waits for its stream (APPEND_TIMEOUT), so that the server's own answer comes first. */
const ackTimeoutMs = 15_000;

const aliveMs = 4000;

type ChatSocket = Socket<ServerEvents, ClientEvents>;

/**
 * socketLink speaks through one Socket.IO socket. The stock client keeps the session id and the last offset itself and
 * sends them with the next attempt. Its reconnection is off, because it does not say when it will try.
 */
export function socketLink(url: string, listener: LinkListener): Link {
  const socket: ChatSocket = io(url, {
    autoConnect: false,
    forceNew: true,
    reconnection: false,
    timeout: 20_000,
    // A WebSocket needs no second node between the browser and the node that owns the session.
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    // The server sends no history on a recovered connection (REC-4).
    auth: (give) => give({ history: historyOnJoin }),
  });
  listen(socket, listener);
  return {
    connect: () => void (socket.active || socket.connect()),
    close: () => void socket.disconnect(),
    send: (message) => answered(socket, (s) => s.emitWithAck("event:message", message), readMessageAnswer),
    history: (request) => answered(socket, (s) => s.emitWithAck("history", request), readHistoryAnswer),
    typing: (notice) => void (socket.connected && socket.volatile.emit("typing", notice)),
    alive: () => alive(socket),
  };
}

/** Any packet is a sign of life: the answer itself may wait behind packets that were sent before it (LIM-1). */
async function alive(socket: ChatSocket): Promise<boolean> {
  // The end of typing that never began is acked and not passed on (TYP-3).
  const sign = { username: "", typing: false };
  const ask = (s: TimedSocket) => s.emitWithAck("typing", sign);
  const heard = new Promise<true>((resolve) => socket.io.engine?.once("packet", () => resolve(true)));
  return (await Promise.race([heard, answered(socket, ask, () => true, aliveMs)])) === true;
}

function listen(socket: ChatSocket, listener: LinkListener): void {
  socket.on("connect", () => listener.connected(socket.recovered));
  socket.on("disconnect", () => {
    socket.disconnect(); // Otherwise the socket stays active, and the next connect would count as under way.
    listener.lost();
  });
  socket.on("connect_error", (error) => {
    socket.disconnect();
    listener.failed(connectFailure(error));
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
