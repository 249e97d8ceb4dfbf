import styles from "./ReadOnly.module.css";
import { readOnlyWords } from "./words";

/** In place of the input of a room in which we may not write. */
export function ReadOnly() {
  return (
    <div className={styles.place}>
      <p className={styles.note} role="note">
        {readOnlyWords}
      </p>
    </div>
  );
}
