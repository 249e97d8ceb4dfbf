import type { CSSProperties } from "react";
import { initialOf, tintOf } from "@/people/signs";
import styles from "./Initial.module.css";

/** Gives what is within an element the colour of a person, as `--tint`. */
export const tinted = (id: string | undefined, name: string) =>
  ({ "--tint": `var(--tint-${tintOf(id, name)})` }) as CSSProperties;

/** Stands before a name, in its colour: an ancestor has to be {@link tinted}. */
export function Initial({ name }: { name: string }) {
  return <span className={styles.initial} data-initial={initialOf(name)} aria-hidden="true" />;
}
