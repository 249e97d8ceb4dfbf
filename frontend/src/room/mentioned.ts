import { folded } from "@/text/find";
import type { Names } from "@/text/mentions";
import { mentions } from "@/text/plain";
import type { Timeline } from "@/timeline/timeline";
import type { Offset } from "@/wire/contract";
import { compareOffsets } from "@/wire/offset";
import { KnownNames } from "./known";
import { mostUnread } from "./lastread";
import type { RoomState } from "./state";
import type { RoomStore } from "./store";

/** The authors of so many of the last messages are known. */
const recent = 300;

/** Tells whether a message in a room mentions somebody. */
export function mentioning(state: RoomState, username: string): (said: { message: string }) => boolean {
  let names: Names | undefined;
  const sought = `@${folded(username)}`;
  return ({ message }) => {
    if (!message.includes("@") || !folded(message).includes(sought)) return false; // the rest takes longer
    names ??= namesIn(state, username);
    return mentions(message, names, (name) => name === username);
  };
}

function namesIn(state: RoomState, username: string): Names {
  const timeline = { ...state.timeline, entries: state.timeline.entries.slice(-recent) };
  return new KnownNames().update({ timeline, past: null, present: state.present }, username);
}

/** The last count for a timeline: several places of the page show it. */
const counted = new WeakMap<Timeline, { after: Offset; username: string; count: number }>();

/** The number of messages behind a place that mention somebody, of the newest `mostUnread` that are not our own. */
export function countMentions(room: RoomStore, username: string | null, after = room.getState().read): number {
  const state = room.getState();
  if (username === null || after === null) return 0;
  const known = counted.get(state.timeline);
  if (known?.after === after && known.username === username) return known.count;
  const isMeant = mentioning(state, username);
  const { entries } = state.timeline;
  let [count, seen] = [0, 0];
  for (let i = entries.length - 1; i >= 0 && seen < mostUnread; i--) {
    const entry = entries[i];
    if (entry === undefined || compareOffsets(entry.offset, after) <= 0) break;
    if (room.isNoNews(entry)) continue;
    seen++;
    if (isMeant(entry)) count++;
  }
  counted.set(state.timeline, { after, username, count });
  return count;
}
