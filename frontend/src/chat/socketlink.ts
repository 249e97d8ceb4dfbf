import { io, type Socket } from "socket.io-client";
import type { ClientEvents, ServerEvents } from "@/wire/contract";
import { isOffset } from "@/wire/offset";
import { readHistoryAnswer, readMessage, readMessageAnswer, readPresence, readTyping } from "@/wire/read";
import type { ConnectFailure } from "./connection";
import type { Link, LinkListener } from "./link";

/** Past messages that come with a connection that was not recovered. */
export const historyOnJoin = 50;

/** Longer than the server waits for its stream (APPEND_TIMEOUT), so that its own answer comes first. */
const ackTimeoutMs = 15_000;

const aliveMs = 4000;

type ChatSocket = Socket<ServerEvents, ClientEvents>;

/**
 * socketLink speaks through one Socket.IO socket. The stock client keeps the session id and the last offset itself and
 * sends them with the next attempt; retrying is off, because it tells nobody when it will.
 */
export function socketLink(url: string, listener: LinkListener): Link {
  const socket: ChatSocket = io(url, {
    autoConnect: false,
    forceNew: true,
    reconnection: false,
    timeout: 20_000,
    // A WebSocket needs no second node between us and the one that owns the session.
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    // The server gives no history to a connection that it recovers (REC-4).
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

/** Whatever comes is a sign of life: the answer itself may have to wait behind much that was sent before it (LIM-1). */
async function alive(socket: ChatSocket): Promise<boolean> {
  // An end of typing that had no beginning is acked and tells nobody anything (TYP-3).
  const sign = { username: "", typing: false };
  const ask = (s: TimedSocket) => s.emitWithAck("typing", sign);
  const heard = new Promise<true>((resolve) => socket.io.engine?.once("packet", () => resolve(true)));
  return (await Promise.race([heard, answered(socket, ask, () => true, aliveMs)])) === true;
}

function listen(socket: ChatSocket, listener: LinkListener): void {
  socket.on("connect", () => listener.connected(socket.recovered));
  socket.on("disconnect", () => {
    socket.disconnect(); // Otherwise the socket stays active, and the next connect would be taken for one under way.
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

/** The stock client would keep an event for later while it is not connected; we keep our own outbox instead. */
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
    return undefined; // The time is up, or the connection is gone.
  }
}

/**
 * connectFailure tells a refusal from a server that is not there. Only polling shows the answer to an attempt, and only
 * if it carries CORS headers; it is the last transport tried, so its error is the one we see.
 */
export function connectFailure(error: Error): ConnectFailure {
  const { description, context } = error as Error & { description?: unknown; context?: unknown };
  if ("data" in error) return { kind: "refused", why: "forbidden", retryAfterMs: null }; // CONNECT_ERROR
  const answer = readAnswer(context);
  switch (description) {
    case 403:
      return { kind: "refused", why: "forbidden", retryAfterMs: null };
    case 429:
      return { kind: "refused", why: "too_many", retryAfterMs: answer.retryAfterMs };
    case 503:
      if (answer.code === code.full) return { kind: "refused", why: "full", retryAfterMs: answer.retryAfterMs };
      // A node that stops or starts lets nobody in; the next attempt finds another. Else it was not said by our server.
      return { kind: answer.code === code.stopping || answer.code === code.busy ? "unreachable" : "silent" };
    case 502:
    case 504:
      return { kind: "silent" };
    default:
      return error.message === "timeout" ? { kind: "silent" } : { kind: "unreachable" };
  }
}

/** What a 503 of our server says in its body. */
const code = { stopping: 6, full: 7, busy: 10 } as const;

function readAnswer(context: unknown): { code: unknown; retryAfterMs: number | null } {
  if (typeof XMLHttpRequest === "undefined" || !(context instanceof XMLHttpRequest)) {
    return { code: undefined, retryAfterMs: null };
  }
  const seconds = Number(context.getResponseHeader("Retry-After") ?? Number.NaN);
  return {
    code: readCode(context.responseText),
    retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null,
  };
}

function readCode(body: string): unknown {
  try {
    return (JSON.parse(body) as { code?: unknown } | null)?.code;
  } catch {
    return undefined; // an answer of something in between
  }
}
