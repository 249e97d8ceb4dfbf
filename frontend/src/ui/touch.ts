import { useSyncExternalStore } from "react";

/** A coarse pointer suggests an on-screen keyboard. It can change: a tablet is docked. */
const query = "(pointer: coarse)";

function subscribe(callback: () => void): () => void {
  const media = window.matchMedia(query);
  media.addEventListener("change", callback);
  return () => media.removeEventListener("change", callback);
}

/** Whether the device likely has an on-screen keyboard, which has no Shift+Enter. */
export function useTouch(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => window.matchMedia(query).matches,
    () => false,
  );
}
