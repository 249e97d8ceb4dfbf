import type {
  ErrorCode,
  HistoryAnswer,
  ListedRoom,
  MessageAnswer,
  PeopleAnswer,
  Person,
  PlacedMessage,
  Refusal,
  RoomRefusal,
  TypingNotice,
  User,
  Welcome,
} from "./contract";
import { firstLimits, type Limits, maxPeople } from "./limits";
import { isOffset } from "./offset";
import { type Right, type Rights, rights } from "./rights";
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

/** readWelcome takes the defaults for limits that are missing or wrong, and no right for rooms that it does not understand. */
export function readWelcome(payload: unknown): Welcome | undefined {
  if (!isFields(payload)) return undefined;
  const user = readUser(payload.user);
  if (!user) return undefined;
  const { token, limits, rooms } = payload;
  return {
    user,
    ...(typeof token === "string" && { token }),
    limits: readLimits(limits),
    ...(isFields(rooms) && { rooms: readRights(rooms) }),
  };
}

function readUser(value: unknown): User | undefined {
  if (!isFields(value) || typeof value.id !== "string" || value.id === "") return undefined;
  const guest = value.guest === true;
  return { id: value.id, guest, ...(!guest && typeof value.name === "string" && { name: value.name }) };
}

/** More than a timer can hold is no limit. */
const mostLimit = 2 ** 31 - 1;

function readLimits(value: unknown): Limits {
  const given = isFields(value) ? value : {};
  const read = Object.entries(firstLimits).map(([name, fallback]) => {
    const limit = given[name];
    const isLimit = typeof limit === "number" && Number.isInteger(limit) && limit >= 0 && limit <= mostLimit;
    return [name, isLimit ? limit : fallback];
  });
  return Object.fromEntries(read) as Limits;
}

function readRights(given: Fields): Rights {
  const isRight = (value: unknown): value is Right => rights.includes(value as Right);
  return Object.fromEntries(
    Object.entries(given).map(([pattern, right]) => [pattern, isRight(right) ? right : "none"]),
  );
}

export function readPresence(payload: unknown): { online: number } | undefined {
  if (!isFields(payload)) return undefined;
  const { online } = payload;
  return isCount(online) ? { online } : undefined;
}

/** readPeopleAnswer leaves out whom it does not understand. */
export function readPeopleAnswer(answer: unknown): PeopleAnswer {
  if (!isFields(answer) || !isCount(answer.total) || !Array.isArray(answer.people)) return readRefusal(answer);
  const people = answer.people.slice(0, maxPeople).flatMap((person: unknown): Person[] => {
    if (!isFields(person)) return [];
    const { id, name, verified } = person;
    if (typeof id !== "string" || typeof name !== "string") return [];
    return [{ id, name, ...(verified === true && { verified }) }];
  });
  return { status: "ok", total: Math.max(answer.total, people.length), people };
}

/** readRoomRefusal reads the data of a CONNECT_ERROR. */
export function readRoomRefusal(data: unknown): RoomRefusal {
  const code = isFields(data) ? data.code : undefined;
  return typeof code === "string" && isRoomRefusal(code) ? code : "forbidden";
}

const roomRefusals: ReadonlySet<string> = new Set<RoomRefusal>([
  "room_invalid",
  "room_forbidden",
  "too_many_rooms",
  "unauthorized",
  "expired",
]);

function isRoomRefusal(code: string): code is RoomRefusal {
  return roomRefusals.has(code);
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
  const { more, newer } = answer;
  return { status: "ok", messages, more: more === true, ...(typeof newer === "boolean" && { newer }) };
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

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** isTime reports whether the value is a time that a Date can hold. */
export function isTime(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= 8.64e15;
}
