"use client";

import { namedTypists } from "@/people/typists";
import { useRoomState } from "./context";
import styles from "./TypingLine.module.css";

/** Shows who is typing. It always takes its space, so that nothing shifts. */
export function TypingLine() {
  const typists = useRoomState((state) => state.typists);
  const { names, more } = namedTypists(typists);
  return (
    <p className={styles.line} data-testid="typing">
      {names.length > 0 && (
        <>
          <span className={styles.dots} aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span className={styles.names}>
            {names.map((name, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: namesakes are possible, and names have no state
              <span key={i}>
                <span>{separator(i, names.length, more)}</span>
                <bdi translate="no">{name}</bdi>
              </span>
            ))}
            <span>{more > 0 && ` and ${more} more`}</span>
            <span>{names.length + more === 1 ? " is typing" : " are typing"}</span>
          </span>
        </>
      )}
    </p>
  );
}

function separator(i: number, length: number, more: number): string {
  if (i === 0) return "";
  return i === length - 1 && more === 0 ? " and " : ", ";
}
