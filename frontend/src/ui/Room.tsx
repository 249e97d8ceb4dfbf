"use client";

import { Announcer } from "./Announcer";
import { Banner } from "./Banner";
import { Composer } from "./Composer";
import { Header } from "./Header";
import { MessageList } from "./MessageList";
import styles from "./Room.module.css";
import { TypingLine } from "./TypingLine";

/** The second screen: messages and an input. */
export function Room({ username }: { username: string }) {
  return (
    <main className={styles.screen} data-screen="room">
      <section className={styles.card} aria-label="Chat">
        <Header username={username} />
        <Banner />
        <MessageList />
        <TypingLine />
        <Composer username={username} />
        <Announcer />
      </section>
    </main>
  );
}
