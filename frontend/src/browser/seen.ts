/** Whether the person looks at the page. A visible window beside the one they work in does not count. */
export function isSeen(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

/** Calls back when that may have changed, until the returned function is called. */
export function watchSeen(changed: () => void): () => void {
  const listeners = new AbortController();
  const { signal } = listeners;
  document.addEventListener("visibilitychange", changed, { signal });
  window.addEventListener("focus", changed, { signal });
  window.addEventListener("blur", changed, { signal });
  return () => listeners.abort();
}
