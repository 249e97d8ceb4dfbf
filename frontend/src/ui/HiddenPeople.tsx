"use client";

import { useHidden, useHiddenPeople } from "./context";
import { keepFocus } from "./focus";
import styles from "./HiddenPeople.module.css";

/** Whose messages are hidden, and the way to show them again; nothing if nobody's are. */
export function HiddenPeople() {
  const hidden = useHidden();
  const people = useHiddenPeople();
  if (people.length === 0) return null;
  return (
    <fieldset className={styles.people}>
      <legend>Hidden in this browser</legend>
      <ul>
        {people.map(({ id, name }) => (
          <li key={id}>
            <bdi translate="no">{name}</bdi>
            <button type="button" aria-label={`Show ${name} again`} onClick={keepFocus(() => hidden.show(id))}>
              Show
            </button>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}
