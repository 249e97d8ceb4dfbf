import { visibleName } from "./names";

/* The server's rules for messages and names (MSG-4 to MSG-8), so that nothing is sent that it would refuse. */

export const maxMessageChars = 4000;
export const maxUsernameChars = 64;
export const maxHistoryMessages = 100;
export const typingIntervalMs = 1000;
/** Every server recognises a retry for at least this long (MSG-10). */
export const minDedupeMs = 600_000;
export const anonymous = "anonymous";

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

export function checkMessage(text: string): MessageProblem | undefined {
  if (text.trim() === "") return "empty";
  return countChars(text) > maxMessageChars ? "too_long" : undefined;
}

export type Username = { ok: true; username: string } | { ok: false; problem: UsernameProblem };

/** checkUsername returns the name as the server will show it; never empty. */
export function checkUsername(raw: string): Username {
  const trimmed = raw.trim().replace(/\p{Cs}/gu, "\ufffd"); // half a surrogate pair does not survive the transport
  if (/\p{Cc}/u.test(trimmed)) return { ok: false, problem: "control_character" };
  const username = visibleName(trimmed);
  if (countChars(username) > maxUsernameChars) return { ok: false, problem: "too_long" };
  return { ok: true, username: username === "" ? anonymous : username };
}
