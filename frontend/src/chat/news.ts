import type { PlacedMessage } from "@/wire/contract";
import { clusterStart } from "./clusters";

/** What an arrival should lead to, seen from this tab. */
export interface Attention {
  /** Added to the count in the title. */
  unread: number;
  /** Read out and shown outside the page; null if that would be one too many. */
  headline: { title: string; body: string } | null;
}

const bodyChars = 140;

/** attention looks at the messages of others that came while the page could not be seen. */
export function attention(others: readonly PlacedMessage[]): Attention {
  const last = others.at(-1);
  if (last === undefined) return { unread: 0, headline: null };
  const alone = others.every((message) => message.username === last.username);
  const title = alone ? last.username : `${last.username} and others`;
  return { unread: others.length, headline: { title, body: shortened(last.message, bodyChars) } };
}

/** The title of the page tells what waits. */
export function pageTitle(unread: number): string {
  if (unread === 0) return "Chat";
  return `(${unread > 99 ? "99+" : unread}) Chat`;
}

/** shortened cuts a text for places with little room, never within what looks like one character. */
export function shortened(text: string, chars: number): string {
  const whole = Array.from(text.slice(0, chars * 2 + 2));
  if (whole.length <= chars) return text;
  const end = whole.slice(0, chars - 1).join("").length;
  return `${text.slice(0, clusterStart(text, end))}…`;
}
