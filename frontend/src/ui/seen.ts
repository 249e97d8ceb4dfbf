import { useSyncExternalStore } from "react";
import { isSeen, watchSeen } from "@/browser/seen";

/** Whether the person looks at the page; `built` in the built page. */
export function useSeen(built = false): boolean {
  return useSyncExternalStore(watchSeen, isSeen, () => built);
}
