import { lobby, type RoomName } from "./rooms";

/*
 * What a user may do in a room (WHO-13). The server applies the same rule in server/internal/auth/rights.go, and
 * enforces it; here it only decides what is shown.
 */

/** A higher right includes the lower ones. */
export const rights = ["none", "read", "write", "moderate"] as const;
export type Right = (typeof rights)[number];

/** Patterns of room names, in which a star stands for any characters. The global room has the name "/". */
export type Rights = Readonly<Record<string, Right>>;

/** The right in a room: that of its name or else of the longest pattern; of two equally long ones, the stricter. */
export function rightIn(granted: Rights | undefined, room: RoomName): Right {
  if (granted === undefined) return "write";
  const name = room === lobby ? "/" : room;
  const own = Object.hasOwn(granted, name) ? granted[name] : undefined;
  if (own !== undefined) return own;
  let [longest, right]: [number, Right] = [-1, "none"];
  for (const [pattern, other] of Object.entries(granted)) {
    if (pattern.length < longest || !matches(pattern, name)) continue;
    if (pattern.length > longest || rights.indexOf(other) < rights.indexOf(right)) right = other;
    longest = pattern.length;
  }
  return right;
}

function matches(pattern: string, name: string): boolean {
  const [begin = "", ...others] = pattern.split("*");
  const end = others.pop();
  if (end === undefined) return name === pattern;
  if (!name.startsWith(begin)) return false;
  let place = begin.length;
  for (const part of others) {
    const found = name.indexOf(part, place);
    if (found < 0) return false;
    place = found + part.length;
  }
  return name.slice(place).endsWith(end);
}
