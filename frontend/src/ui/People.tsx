"use client";

import { useId } from "react";
import type { Present } from "@/people/attendance";
import type { Me } from "@/people/identity";
import type { Person } from "@/wire/contract";
import { anonymous } from "@/wire/limits";
import { useLive, useMe, usePresent, useRoomState } from "./context";
import { Initial, tinted } from "./Initial";
import styles from "./People.module.css";
import { Verified } from "./Verified";

/** Who is in the room: oneself first. */
export function People() {
  const titleId = useId();
  const present = usePresent();
  const me = useMe();
  const { people, total } = present;
  const more = total - people.length;
  return (
    <aside className={styles.people} aria-labelledby={titleId}>
      <h2 id={titleId}>
        <span>People</span>
        {people.length > 0 && (
          <>
            <span className="hidden">, </span>
            <span className={styles.total}>{total.toLocaleString("en")}</span>
          </>
        )}
      </h2>
      <div className={styles.list}>
        <ul aria-labelledby={titleId}>
          {inOrder(people, me).map((person) => (
            <Entry key={person.id} person={person} me={me} />
          ))}
        </ul>
        {more > 0 && people.length > 0 && <p>{`and ${more.toLocaleString("en")} more`}</p>}
        <Note present={present} />
      </div>
    </aside>
  );
}

function Entry({ person: { id, name, verified }, me }: { person: Person; me: Me }) {
  const mine = id === me.user?.id;
  const shown = (mine && me.username) || name;
  return (
    <li style={tinted(id, shown)}>
      <Initial name={shown} />
      <bdi className={styles.name} translate="no" data-anonymous={shown === anonymous || undefined}>
        {shown}
      </bdi>
      {verified && <Verified />}
      {mine && <span className={styles.you}> (you)</span>}
    </li>
  );
}

/** What is not in the list. */
function Note({ present: { people, total, state } }: { present: Present }) {
  const online = useRoomState((room) => room.online);
  const live = useLive();
  if (state === "failed") {
    return <p>{people.length > 0 ? "This list may be outdated." : "Who is here is not known right now."}</p>;
  }
  if (state === "unasked") return <p>{live ? "Looking who is here …" : "You are not in the room right now."}</p>;
  if (live && online !== null && online > total) return <p>Somebody is here more than once.</p>;
  return null;
}

/** Oneself first, then by name. Those without a name come last. */
function inOrder(people: readonly Person[], me: Me): readonly Person[] {
  const rank = ({ id, name }: Person) => (id === me.user?.id ? 0 : name === anonymous ? 2 : 1);
  return people.toSorted((a, b) => rank(a) - rank(b) || byName.compare(a.name, b.name));
}

const byName = new Intl.Collator();
