"use client";

import { useMemo, useRef } from "react";
import { isMine } from "@/people/identity";
import { firstCluster } from "@/text/clusters";
import { useConnection, useLive, useMe, useRoomState } from "./context";
import styles from "./Header.module.css";
import { Settings } from "./Settings";
import { badgeWords } from "./words";

/** Namesakes are looked for in so many of the last messages. */
const recent = 300;

export function Header({ username }: { username: string }) {
  const settings = useRef<HTMLDialogElement>(null);
  const namesake = useNamesake(username);
  return (
    <header className={styles.header}>
      <div className={styles.titles}>
        <h1 className={styles.title}>Chat</h1>
        <OnlineCount />
      </div>
      <ConnectionBadge />
      <button
        type="button"
        className={styles.me}
        aria-haspopup="dialog"
        aria-label={`Settings. Your name is ${username}.${namesake ? " Somebody else uses it too." : ""}`}
        onClick={() => settings.current?.showModal()}
      >
        <span className={styles.initial} aria-hidden="true">
          {initial(username)}
        </span>
        <bdi className={styles.name} translate="no">
          {username}
        </bdi>
        {namesake && <span className={styles.mark} title={`Somebody else is called ${username} too.`} />}
      </button>
      <Settings ref={settings} namesake={namesake} />
    </header>
  );
}

function OnlineCount() {
  const online = useRoomState((state) => state.online);
  const live = useLive();
  if (online === null || !live) return null;
  return <p className={styles.online}>{`${online.toLocaleString("en")} online`}</p>;
}

function ConnectionBadge() {
  const connection = useConnection();
  return (
    <p className={styles.badge} data-state={connection.state} role="status">
      <span className={styles.dot} aria-hidden="true" />
      <span>{badgeWords(connection)}</span>
    </p>
  );
}

/** Names are not accounts: somebody else may use the same one. */
function useNamesake(username: string): boolean {
  const entries = useRoomState((state) => state.timeline.entries);
  const me = useMe();
  return useMemo(
    () => entries.slice(-recent).some((entry) => entry.username === username && !isMine(me, entry)),
    [entries, me, username],
  );
}

function initial(username: string): string {
  return firstCluster(username).toLocaleUpperCase();
}
