import { type RefObject, useEffect, useState } from "react";
import { useShortcut } from "./shortcuts";

interface DateAsking {
  /** A moment of the day that is offered; undefined while nobody asks. */
  readonly at: number | undefined;
  close(): void;
}

/** useDateAsking notices when the reader wants to go to a day: by the line of a day, or by a shortcut. */
export function useDateAsking(scroller: RefObject<HTMLElement | null>): DateAsking {
  const [at, setAt] = useState<number>();
  useShortcut("day", () => setAt(Date.now()));
  useEffect(() => {
    const list = scroller.current;
    const clicked = ({ target }: MouseEvent) => {
      const day = target instanceof Element ? target.closest("button[data-day]")?.getAttribute("data-day") : null;
      if (day) setAt(Number(day));
    };
    list?.addEventListener("click", clicked);
    return () => list?.removeEventListener("click", clicked);
  }, [scroller]);
  return { at, close: () => setAt(undefined) };
}
