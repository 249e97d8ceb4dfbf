"use client";

import styles from "./Aurora.module.css";
import { useSeen } from "./seen";

/** The background: slow lights of four colours, which move while the page has the focus. */
export function Aurora() {
  const looked = useSeen(true);
  return (
    <div className={styles.aurora} data-still={looked ? undefined : ""} aria-hidden="true">
      <i className={styles.blue} />
      <i className={styles.magenta} />
      <i className={styles.teal} />
      <i className={styles.violet} />
    </div>
  );
}
