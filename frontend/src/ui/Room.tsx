"use client";

import { Banner } from "./Banner";
import { Composer } from "./Composer";
import { Header } from "./Header";
import { MessageList } from "./MessageList";
import styles from "./Room.module.css";

/** The second screen: messages and an input. */
export function Room({ username }: { username: string }) {
  return (
    <main className={styles.screen} data-screen="room">
      <section className={styles.card} aria-label="Chat">
        <Header />
        <Banner />
        <MessageList />
        <Composer username={username} />
      </section>
    </main>
  );
}
