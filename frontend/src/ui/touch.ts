import { useSyncExternalStore } from "react";

/** A finger writes on a keyboard on the screen. That may change: a tablet is put into its dock. */
const query = "(pointer: coarse)";

function subscribe(callback: () => void): () => void {
  const media = window.matchMedia(query);
  media.addEventListener("change", callback);
  return () => media.removeEventListener("change", callback);
}

/** Whether the keyboard is likely one on the screen, which has no Shift+Enter. */
export function useTouch(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => window.matchMedia(query).matches,
    () => false,
  );
}
