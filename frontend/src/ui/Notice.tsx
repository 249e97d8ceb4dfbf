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
export function Notice(props: Props) {
  return (
    <>
      <Aurora />
      <NoticeScreen {...props} />
    </>
  );
}

/** The same before a background that is there already. */
export function NoticeScreen({ role, title, words, children }: Props) {
  return (
    <main className={styles.screen}>
      <section className={styles.card} role={role}>
        <h1>{title}</h1>
        <p>{words}</p>
        {children}
      </section>
    </main>
  );
}
