"use client";

import { Fragment, type RefObject } from "react";
import { Dialog } from "./Dialog";
import styles from "./ShortcutSheet.module.css";
import { chordsOf, isApple, type Shortcut, shortcuts } from "./shortcuts";

const groups = [...new Set(Object.values<Shortcut>(shortcuts).map(({ group }) => group))];

/** The help sheet: every shortcut of the page. */
export function ShortcutSheet({ ref }: { ref: RefObject<HTMLDialogElement | null> }) {
  return (
    <Dialog ref={ref} title="Keyboard shortcuts">
      {groups.map((group) => (
        <section key={group} className={styles.group} aria-label={group}>
          <h3>{group}</h3>
          <dl>
            {Object.entries<Shortcut>(shortcuts)
              .filter(([, shortcut]) => shortcut.group === group)
              .map(([name, shortcut]) => (
                <div key={name}>
                  <dt>{shortcut.words}</dt>
                  <dd>
                    {chordsOf(shortcut).map((chord, i) => (
                      <Fragment key={chord}>
                        {i > 0 && <span> or </span>}
                        <Chord chord={chord} />
                      </Fragment>
                    ))}
                  </dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}

function Chord({ chord }: { chord: string }) {
  return (
    <kbd dir="ltr">
      {chord.split("+").map((key) => (
        <kbd key={key}>{keyWords[key] ?? key}</kbd>
      ))}
    </kbd>
  );
}

/** What is printed on keys. */
const keyWords: Readonly<Record<string, string>> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  PageUp: "Page Up",
  PageDown: "Page Down",
  Escape: "Esc",
  ContextMenu: "Menu",
  Meta: "⌘",
  Alt: isApple() ? "⌥" : "Alt",
};
