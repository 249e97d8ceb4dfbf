import type { ReactNode } from "react";
import { Aurora } from "./Aurora";
import styles from "./Notice.module.css";

interface Props {
  role?: "alert";
  title: string;
  words: string;
  children: ReactNode;
}

/** A page with a few words and a link or button. */
export function Notice({ role, title, words, children }: Props) {
  return (
    <>
      <Aurora />
      <main className={styles.screen}>
        <section className={styles.card} role={role}>
          <h1>{title}</h1>
          <p>{words}</p>
          {children}
        </section>
      </main>
    </>
  );
}
