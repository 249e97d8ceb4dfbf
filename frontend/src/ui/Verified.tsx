import styles from "./Verified.module.css";

/** Tells the owner of a name from a guest who uses the same one. */
export function Verified() {
  return (
    <svg className={styles.verified} viewBox="0 0 16 16" role="img" aria-label="verified name">
      <title>The account of this person gives them this name.</title>
      <circle cx="8" cy="8" r="7" />
      <path d="m4.800 8.300 2.200 2.200 4.200-4.600" />
    </svg>
  );
}
