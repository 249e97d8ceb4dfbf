"use client";

import { type RefObject, useEffect, useRef } from "react";
import { Announcer } from "./Announcer";
import { Banner } from "./Banner";
import { Composer } from "./Composer";
import { Header } from "./Header";
import { MessageList } from "./MessageList";
import styles from "./Room.module.css";
import { TypingLine } from "./TypingLine";

/** The second screen: messages and an input. */
export function Room({ username }: { username: string }) {
  const screen = useRef<HTMLElement>(null);
  useVisibleHeight(screen);
  return (
    <main ref={screen} className={styles.screen} data-screen="room">
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

/** An iPhone's keyboard covers the page; only the visual viewport knows the height that is left. */
function useVisibleHeight(screen: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const visible = window.visualViewport;
    if (!visible) return;
    const adapt = () => {
      if (visible.scale !== 1) return; // zoomed: not a keyboard
      screen.current?.style.setProperty("--visible", `${visible.height}px`);
      window.scrollTo(0, 0);
    };
    adapt();
    visible.addEventListener("resize", adapt);
    return () => visible.removeEventListener("resize", adapt);
  }, [screen]);
}
