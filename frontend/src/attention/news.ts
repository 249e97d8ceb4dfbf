import { shortened } from "@/text/shortened";
import type { PlacedMessage } from "@/wire/contract";

/** What new messages lead to in this tab. */
export interface Attention {
  /** Added to the count in the title. */
  unread: number;
  /** The words of a notification; null if there is nothing to notify about. */
  headline: { title: string; body: string } | null;
}

const bodyChars = 140;

/** attention sums up the messages of others that came while the page was not visible. */
export function attention(others: readonly PlacedMessage[]): Attention {
  const last = others.at(-1);
  if (last === undefined) return { unread: 0, headline: null };
  const alone = others.every((message) => message.username === last.username);
  const title = alone ? last.username : `${last.username} and others`;
  return { unread: others.length, headline: { title, body: shortened(last.message, bodyChars) } };
}

/** The title of the page, with the count of unread messages. */
export function pageTitle(unread: number): string {
  if (unread === 0) return "Chat";
  return `(${unread > 99 ? "99+" : unread}) Chat`;
}
