import { type RefObject, useEffect } from "react";
import { useLive, useRoomState, useStore } from "./context";
import { endThreshold } from "./following";

/** The history arrives within this time; a list that is still filling loads nothing more. */
const historyFillMs = 100;

/** Loads older messages when the reader is near the first row, or when the list has space left. */
export function useLoadOlder(wanted: boolean, scroller: RefObject<HTMLElement | null>): void {
  const store = useStore();
  const older = useRoomState((state) => state.older);
  const live = useLive();
  const joined = useRoomState((state) => state.timeline.live !== null);
  const oldest = useRoomState((state) => (state.past ?? state.timeline).entries[0]?.offset);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a page that was loaded may call for the next
  useEffect(() => {
    if (!wanted || !live || !joined || older !== "idle") return;
    const timer = setTimeout(() => {
      // The rows may still be those of the position before new messages moved the list: check where the reader is.
      if (scroller.current && !showsOnlyTheEnd(scroller.current)) void store.reader.loadOlder();
    }, historyFillMs);
    return () => clearTimeout(timer);
  }, [wanted, live, joined, older, oldest, store, scroller]);
}

function showsOnlyTheEnd({ scrollTop, scrollHeight, clientHeight }: HTMLElement): boolean {
  const hidden = scrollHeight - clientHeight;
  return hidden > endThreshold && hidden - scrollTop <= endThreshold;
}

/** Loads newer messages when a reader of the past is near the last row. */
export function useLoadNewer(wanted: boolean): void {
  const store = useStore();
  const newer = useRoomState((state) => state.newer);
  const to = useRoomState((state) => state.past?.to);
  const live = useLive();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a page that was loaded may call for the next
  useEffect(() => {
    if (wanted && live && newer === "idle") void store.reader.loadNewer();
  }, [wanted, live, newer, to, store]);
}
