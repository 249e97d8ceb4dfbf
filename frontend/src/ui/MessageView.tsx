"use client";

import { type MouseEvent, memo, useState, useSyncExternalStore } from "react";
import { flushSync } from "react-dom";
import { canRetry } from "@/outbox/outbox";
import type { MessageRow } from "@/room/rows";
import { messageAddress } from "@/rooms/address";
import { beginning } from "@/text/beginning";
import { Clock } from "./Clock";
import { useIsHidden, useLive, useRooms, useStore } from "./context";
import { keepFocus } from "./focus";
import { Initial, tinted } from "./Initial";
import { MessageText } from "./MessageText";
import styles from "./MessageView.module.css";
import { Opened } from "./opened";
import { followsHere } from "./RoomLink";
import { Verified } from "./Verified";
import { failureWords } from "./words";

/** Only new messages fade in; rows that scroll into view do not. */
const freshMs = 1500;

/** State of rows that outlives them: rows come and go while the reader scrolls. */
export interface Reading {
  /** The long messages that are shown in full. */
  readonly opened: Opened;
  /** The keys of the messages of hidden people that are shown all the same. */
  readonly revealed: Set<string>;
  /** Called before a message is shown in full: the reader stays at its beginning, also at the end of the list. */
  opens(): void;
}

interface Props {
  row: MessageRow;
  reading?: Reading | undefined;
}

export const MessageView = memo(Shown, (a, b) => a.reading === b.reading && isSameRow(a.row, b.row));

/** A message, or a quiet line in its place. Nobody hides themselves: a browser may have been several guests. */
function Shown({ row, reading }: Props) {
  const isHidden = useIsHidden(row.from);
  const [revealed, setRevealed] = useState(() => reading?.revealed.has(row.key) ?? false);
  if (row.mine || !isHidden || revealed) return <Message row={row} reading={reading} />;
  const reveal = () => {
    reading?.revealed.add(row.key);
    setRevealed(true);
  };
  return (
    <article className={styles.message} data-first={row.first || undefined}>
      <p className={styles.concealed}>
        <span>Hidden message</span>
        <button type="button" onClick={keepFocus(reveal)}>
          Show
        </button>
      </p>
    </article>
  );
}

function Message({ row, reading }: Props) {
  const [fresh] = useState(() => Math.abs(Date.now() - row.at) < freshMs);
  const short = beginning(row.text);
  const { whole, toggle } = useWhole(row.key, reading);
  const { delivery } = row;
  return (
    <article
      className={styles.message}
      data-mine={row.mine || undefined}
      data-first={row.first || undefined}
      data-last={row.last || undefined}
      data-fresh={fresh || undefined}
      data-delivery={delivery.kind}
    >
      {/* Visible once in a run of messages; screen readers read it with each. */}
      <p className={row.first && !row.mine ? styles.author : "hidden"} style={tinted(row.from, row.username)}>
        <Initial name={row.username} />
        <bdi translate="no">{row.username}</bdi>
        {row.verified && <Verified />}
        {row.mine && <span> (you)</span>}
      </p>
      <div className={styles.bubble} data-bubble="">
        <MessageText text={whole ? row.text : short} />
        {short !== row.text && (
          <button key={String(whole)} type="button" className={styles.more} aria-expanded={whole} onClick={toggle}>
            {whole ? "Show less" : "Show all"}
          </button>
        )}
        <p className={styles.meta}>
          <When row={row} />
          {row.mine && <DeliveryMark row={row} />}
        </p>
      </div>
      <button type="button" className={styles.menu} tabIndex={-1} data-menu="" aria-haspopup="menu" aria-label="More">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M3.500 8h.01M8 8h.01M12.500 8h.01" />
        </svg>
      </button>
      {delivery.kind === "failed" && <Failed id={row.id} why={delivery.why} />}
    </article>
  );
}

function useWhole(key: string, reading: Reading | undefined) {
  const [alone] = useState(() => new Opened());
  const { opened } = reading ?? { opened: alone };
  const whole = useSyncExternalStore(
    opened.subscribe,
    () => opened.has(key),
    () => false,
  );
  const toggle = (event: MouseEvent<HTMLElement>) => {
    const article = event.currentTarget.closest("article");
    const byKeyboard = event.detail === 0;
    flushSync(() => {
      if (!whole) reading?.opens();
      opened.set(key, !whole);
    });
    if (byKeyboard) article?.querySelector<HTMLElement>("button[aria-expanded]")?.focus({ preventScroll: true });
    if (whole) showBegin(article);
  };
  return { whole, toggle };
}

/** Scrolls to the beginning of a message that was closed: its reader would be far below it. */
function showBegin(article: HTMLElement | null): void {
  const list = article?.closest("section");
  if (!article || !list) return;
  const above = list.getBoundingClientRect().top - article.getBoundingClientRect().top;
  if (above > 0) list.scrollTop -= above;
}

/** The time of a message leads to it: the address of this link is what people share. */
function When({ row: { offset, at } }: { row: MessageRow }) {
  const { name } = useStore();
  const rooms = useRooms();
  if (offset === undefined) return <Clock at={at} />;
  const follow = (event: MouseEvent) => {
    if (!followsHere(event)) return;
    event.preventDefault();
    rooms.showMessage(offset);
  };
  return (
    <a href={messageAddress(name, offset)} tabIndex={-1} data-time="" onClick={follow}>
      <Clock at={at} />
    </a>
  );
}

function DeliveryMark({ row }: { row: MessageRow }) {
  const live = useLive();
  switch (row.delivery.kind) {
    case "placed":
    case "stored":
      return <Mark path="m3 8.500 3.500 3.500L13 5" label="Sent" />;
    case "waiting":
    case "sending":
      return (
        <Mark
          path="M8 4.500V8l2.500 1.500M8 1.800a6.200 6.200 0 1 1 0 12.400A6.200 6.200 0 0 1 8 1.800"
          label={live ? "Sending" : "Waiting for a connection"}
        />
      );
    case "failed":
      return (
        <Mark path="M8 4v5m0 2.500v.1M8 1.800a6.200 6.200 0 1 1 0 12.400A6.200 6.200 0 0 1 8 1.800" label="Not sent" />
      );
  }
}

function Mark({ path, label }: { path: string; label: string }) {
  return (
    <svg viewBox="0 0 16 16" role="img" aria-label={label}>
      <path d={path} />
    </svg>
  );
}

function Failed({ id, why }: { id: string; why: Parameters<typeof failureWords>[0] }) {
  const store = useStore();
  return (
    <p className={styles.failed}>
      <span>{failureWords(why)}</span>
      {canRetry(why) && (
        <button type="button" onClick={keepFocus(() => store.retry(id))}>
          Retry
        </button>
      )}
      <button type="button" onClick={keepFocus(() => store.discard(id))}>
        Remove
      </button>
    </p>
  );
}

function isSameRow(a: MessageRow, b: MessageRow): boolean {
  return (
    a.key === b.key &&
    a.offset === b.offset &&
    a.text === b.text &&
    a.from === b.from &&
    a.username === b.username &&
    a.verified === b.verified &&
    a.at === b.at &&
    a.mine === b.mine &&
    a.first === b.first &&
    a.last === b.last &&
    a.delivery === b.delivery
  );
}
