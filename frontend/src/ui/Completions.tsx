import styles from "./Completions.module.css";
import type { Completion } from "./completing";
import { Initial, tinted } from "./Initial";
import { Verified } from "./Verified";

export const optionId = (listId: string, index: number) => `${listId}-${index}`;

/** The names that complete what is being written. The input keeps the focus, and says which one is active. */
export function Completions({ of: { listId, candidates, active, choose } }: { of: Completion }) {
  return (
    <>
      <p className="hidden" aria-live="polite">
        {candidates.length > 0 && `${candidates.length} ${candidates.length === 1 ? "name" : "names"}`}
      </p>
      {candidates.length > 0 && (
        <div id={listId} className={styles.list} role="listbox" aria-label="People to mention">
          {candidates.map((candidate, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of the input choose
            <div
              key={candidate.name}
              id={optionId(listId, i)}
              role="option"
              tabIndex={-1}
              aria-selected={i === active}
              style={tinted(candidate.id, candidate.name)}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(candidate)}
            >
              <Initial name={candidate.name} />
              <bdi translate="no">{candidate.name}</bdi>
              {candidate.verified && <Verified />}
            </div>
          ))}
        </div>
      )}
    </>
  );
}
