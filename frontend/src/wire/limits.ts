import { visibleName } from "./names";

/* The server's rules for messages and names (MSG-4 to MSG-8), so that nothing is sent that it would refuse. */

/** The settings of a server that a page needs: whole numbers, not negative. */
export interface Limits {
  messageChars: number;
  usernameChars: number;
  /** For how long the server recognises a message that is sent again (MSG-10). */
  dedupeMs: number;
  /** For how long a message may wait in the server before its answer. */
  appendMs: number;
  /** Events a second of one connection, and how many may come at once; 0: no limit (LIM-1). */
  messageRate: number;
  messageBurst: number;
  /** Requests for history a second; 0: no limit (HIS-5). */
  requestRate: number;
  /** The most messages of one answer (HIS-4). */
  historyMessages: number;
}

export const maxMessageChars = 4000;
export const maxUsernameChars = 64;
export const maxHistoryMessages = 100;
/** An answer names at most so many people (PRE-4). */
export const maxPeople = 100;
export const typingIntervalMs = 1000;
/** Every server recognises a retry for at least this long (MSG-10). */
export const minDedupeMs = 600_000;
export const anonymous = "anonymous";

/** The defaults of the server. They hold until it has told its own, and for a server that tells none. */
export const firstLimits: Limits = {
  messageChars: maxMessageChars,
  usernameChars: maxUsernameChars,
  dedupeMs: minDedupeMs,
  appendMs: 10_000,
  messageRate: 50,
  messageBurst: 200,
  requestRate: 2,
  historyMessages: maxHistoryMessages,
};

export type MessageProblem = "empty" | "too_long";
export type UsernameProblem = "too_long" | "control_character";

/** The number of code points. */
export function countChars(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++, n++) {
    if ((text.codePointAt(i) ?? 0) > 0xffff) i++;
  }
  return n;
}

export function checkMessage(text: string, { messageChars }: Limits = firstLimits): MessageProblem | undefined {
  if (text.trim() === "") return "empty";
  return countChars(text) > messageChars ? "too_long" : undefined;
}

export type Username = { ok: true; username: string } | { ok: false; problem: UsernameProblem };

/** checkUsername returns the name as the server will show it; never empty. */
export function checkUsername(raw: string, { usernameChars }: Limits = firstLimits): Username {
  const trimmed = raw.trim().replace(/\p{Cs}/gu, "\ufffd"); // half a surrogate pair does not survive the transport
  if (/\p{Cc}/u.test(trimmed)) return { ok: false, problem: "control_character" };
  const username = visibleName(trimmed);
  if (countChars(username) > usernameChars) return { ok: false, problem: "too_long" };
  return { ok: true, username: username === "" ? anonymous : username };
}
