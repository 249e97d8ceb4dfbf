import { useSyncExternalStore } from "react";
import { isSeen, watchSeen } from "@/browser/seen";

/** Whether the person looks at the page; `built` in the built page. */
export function useSeen(built = false): boolean {
  return useSyncExternalStore(watchSeen, isSeen, () => built);
}

/** Whether the page can be seen, also beside the window that the person works in. */
export function useVisible(): boolean {
  return useSyncExternalStore(
    watchSeen,
    () => document.visibilityState === "visible",
    () => false,
  );
}
