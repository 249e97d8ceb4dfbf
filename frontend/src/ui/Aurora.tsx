"use client";

import { useSyncExternalStore } from "react";
import styles from "./Aurora.module.css";

/** The background: slow lights of four colours, which move while the page has the focus. */
export function Aurora() {
  const looked = useSyncExternalStore(watch, isLookedAt, () => true);
  return (
    <div className={styles.aurora} data-still={looked ? undefined : ""} aria-hidden="true">
      <i className={styles.blue} />
      <i className={styles.magenta} />
      <i className={styles.teal} />
      <i className={styles.violet} />
    </div>
  );
}

function isLookedAt(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

function watch(changed: () => void): () => void {
  const listeners = new AbortController();
  const { signal } = listeners;
  document.addEventListener("visibilitychange", changed, { signal });
  window.addEventListener("focus", changed, { signal });
  window.addEventListener("blur", changed, { signal });
  return () => listeners.abort();
}
