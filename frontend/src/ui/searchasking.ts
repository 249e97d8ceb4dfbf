import { useEffect, useState } from "react";
import { isPressed } from "./shortcuts";

export interface SearchAsking {
  /** How often it was asked for since the search opened; 0 while it is closed. */
  readonly asked: number;
  open(): void;
  close(): void;
}

/**
 * useSearchAsking opens the search by its shortcut, which is that of the browser. Pressed in the search itself, it is the
 * browser's again.
 */
export function useSearchAsking(possible: boolean): SearchAsking {
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (!possible) return;
    const pressed = (event: KeyboardEvent) => {
      const isInside = event.target instanceof Element && event.target.closest("search");
      if (event.defaultPrevented || isInside || !isPressed("search", event)) return;
      if (document.querySelector("dialog[open]")) return;
      event.preventDefault();
      setAsked((times) => times + 1);
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [possible]);
  return { asked, open: () => setAsked((times) => times + 1), close: () => setAsked(0) };
}
