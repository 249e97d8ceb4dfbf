"use client";

import { lazy, Suspense, useEffect } from "react";
import { getChat } from "@/chat/chat";
import { Aurora } from "./Aurora";
import { ChatProvider, useMe } from "./context";
import { FileNotice } from "./FileNotice";
import { NameForm } from "./NameForm";
import styles from "./Room.module.css";

const triesForRoom = 20;
const pauseMs = 1500;

/**
 * The form is small and comes first; the room, with all that draws messages, comes while a name is written. A line that
 * breaks just then does not end the page; files that are gone, because the site was built anew, do after a while.
 */
async function loadRoom() {
  for (let tries = 1; ; tries++) {
    try {
      return { default: (await import("./Room")).Room };
    } catch (error) {
      if (tries === triesForRoom) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

const Room = lazy(loadRoom);

export function ChatApp() {
  useEffect(() => {
    loadRoom().catch(() => {}); // said when it is needed
  }, []);
  return (
    <ChatProvider chat={getChat()}>
      <Aurora />
      <Screen />
      <FileNotice />
    </ChatProvider>
  );
}

export function Screen() {
  const { username } = useMe();
  if (username === null) return <NameForm />;
  return (
    <Suspense fallback={<EmptyRoom />}>
      <Room username={username} />
    </Suspense>
  );
}

/** What the room is drawn into, so that nothing moves when it comes. */
function EmptyRoom() {
  return (
    <main className={styles.screen}>
      <section className={styles.card} aria-label="Chat" aria-busy="true" />
    </main>
  );
}
