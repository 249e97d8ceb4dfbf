"use client";

import { useContext, useMemo } from "react";
import { namedTypists, type Typists, withoutHidden } from "@/people/typists";
import { useHidden, useHiddenPeople, useMe, useRoomState } from "./context";
import { Mentionable } from "./Mentionable";
import styles from "./TypingLine.module.css";

/** Shows who is typing. It always takes its space, so that nothing shifts. */
export function TypingLine() {
  const { names, more } = namedTypists(useTypists());
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

/** Those who are typing, as far as the person wants to see them. It is never oneself. */
function useTypists(): Typists {
  const typists = useRoomState((state) => state.typists);
  const people = useRoomState((state) => state.present.people);
  const { authors } = useContext(Mentionable);
  const me = useMe();
  const hidden = useHidden();
  const hiddenPeople = useHiddenPeople();
  // biome-ignore lint/correctness/useExhaustiveDependencies: those who are hidden change
  return useMemo(() => {
    if (typists.length === 0) return typists;
    const others = [...people, ...authors].filter(({ id }) => id === undefined || !me.authors.includes(id));
    return withoutHidden(typists, others, hidden);
  }, [typists, people, authors, me, hidden, hiddenPeople]);
}

function separator(i: number, length: number, more: number): string {
  if (i === 0) return "";
  return i === length - 1 && more === 0 ? " and " : ", ";
}
