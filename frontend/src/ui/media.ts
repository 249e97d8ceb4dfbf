import { useCallback, useSyncExternalStore } from "react";

/**
 * Whether the device likely has an on-screen keyboard, which has no Shift+Enter: a coarse pointer suggests it. It can
 * change: a tablet is docked.
 */
export function useTouch(): boolean {
  return useMedia("(pointer: coarse)");
}

/** Whether the list of rooms has no place beside the messages. */
export function useNarrow(): boolean {
  return useMedia("(max-width: 52rem)");
}

/** Whether the people, too, have a place beside the messages. */
export function useWide(): boolean {
  return useMedia("(min-width: 75rem)");
}

function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (callback: () => void) => {
      const media = window.matchMedia(query);
      media.addEventListener("change", callback);
      return () => media.removeEventListener("change", callback);
    },
    [query],
  );
  return useSyncExternalStore(
    subscribe,
    () => window.matchMedia(query).matches,
    () => false,
  );
}
