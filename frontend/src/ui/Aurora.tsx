import styles from "./Aurora.module.css";

/** The background: slow lights of four colours. */
export function Aurora() {
  return (
    <div className={styles.aurora} aria-hidden="true">
      <i className={styles.blue} />
      <i className={styles.magenta} />
      <i className={styles.teal} />
      <i className={styles.violet} />
    </div>
  );
}
