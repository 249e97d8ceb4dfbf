import type {
  ErrorCode,
  HistoryAnswer,
  ListedRoom,
  MessageAnswer,
  PlacedMessage,
  Refusal,
  RoomRefusal,
  TypingNotice,
} from "./contract";
import { isOffset } from "./offset";
import { isRoomName } from "./rooms";

/*
 * Input from the network may break the contract. Each reader returns a valid value or undefined (an unknown refusal for
 * an answer) and never throws.
 */

type Fields = Record<string, unknown>;

export function readMessage(payload: unknown, offset: unknown): PlacedMessage | undefined {
  if (!isFields(payload) || !isOffset(offset)) return undefined;
  const { message, username, id, from, verified, at } = payload;
  if (typeof message !== "string" || typeof username !== "string" || typeof id !== "string" || !isTime(at)) {
    return undefined;
  }
  return {
    message,
    username,
    id,
    ...(typeof from === "string" && { from }),
    ...(verified === true && { verified }),
    at,
    offset,
  };
}

export function readPresence(payload: unknown): { online: number } | undefined {
  if (!isFields(payload)) return undefined;
  const { online } = payload;
  return typeof online === "number" && Number.isSafeInteger(online) && online >= 0 ? { online } : undefined;
}

/** readRoomRefusal reads the data of a CONNECT_ERROR. */
export function readRoomRefusal(data: unknown): RoomRefusal {
  const code = isFields(data) ? data.code : undefined;
  return code === "room_invalid" || code === "room_forbidden" || code === "too_many_rooms" ? code : "forbidden";
}

/** readRooms reads the public list. It leaves out what it does not understand. */
export function readRooms(payload: unknown): ListedRoom[] {
  if (!isFields(payload) || !Array.isArray(payload.rooms)) return [];
  return payload.rooms.flatMap((room: unknown) => {
    if (!isFields(room) || typeof room.name !== "string" || !isRoomName(room.name)) return [];
    const presence = readPresence(room);
    return presence ? [{ name: room.name, online: presence.online }] : [];
  });
}

export function readTyping(payload: unknown): TypingNotice | undefined {
  if (!isFields(payload)) return undefined;
  const { username, id, typing } = payload;
  if (typeof username !== "string" || typeof id !== "string" || typeof typing !== "boolean") return undefined;
  return { username, id, typing };
}

export function readMessageAnswer(answer: unknown): MessageAnswer {
  if (isFields(answer) && answer.status === "ok" && typeof answer.id === "string" && isTime(answer.at)) {
    return { status: "ok", id: answer.id, at: answer.at };
  }
  return readRefusal(answer);
}

export function readHistoryAnswer(answer: unknown): HistoryAnswer {
  if (!isFields(answer) || answer.status !== "ok" || !Array.isArray(answer.messages)) return readRefusal(answer);
  const messages = answer.messages
    .map((entry: unknown) => readMessage(entry, isFields(entry) ? entry.offset : undefined))
    .filter((entry) => entry !== undefined);
  return { status: "ok", messages, more: answer.more === true };
}

const codes: ReadonlySet<string> = new Set<ErrorCode>([
  "invalid",
  "empty",
  "too_long",
  "forbidden",
  "rate_limited",
  "unavailable",
]);

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && codes.has(value);
}

function readRefusal(answer: unknown): Refusal {
  const fields = isFields(answer) ? answer : {};
  return {
    status: "error",
    code: isErrorCode(fields.code) ? fields.code : "unknown",
    message: typeof fields.message === "string" ? fields.message : "",
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** isTime reports whether the value is a time that a Date can hold. */
function isTime(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= 8.64e15;
}
