"use client";

import { useChatState } from "./context";
import styles from "./Header.module.css";
import { badgeWords } from "./words";

export function Header() {
  return (
    <header className={styles.header}>
      <div>
        <h1 className={styles.title}>Chat</h1>
        <OnlineCount />
      </div>
      <ConnectionBadge />
    </header>
  );
}

function OnlineCount() {
  const online = useChatState((state) => state.online);
  const live = useChatState((state) => state.connection.state === "live");
  return (
    <p className={styles.online}>{online === null || !live ? "\u00a0" : `${online.toLocaleString("en")} online`}</p>
  );
}

function ConnectionBadge() {
  const connection = useChatState((state) => state.connection);
  return (
    <p className={styles.badge} data-state={connection.state} role="status">
      <span className={styles.dot} aria-hidden="true" />
      {badgeWords(connection)}
    </p>
  );
}
