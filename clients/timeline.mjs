import assert from "node:assert/strict";
import { seed } from "./random.mjs";

/** equalTimelines compares whole timelines without printing thousands of lines when they differ. */
export function equalTimelines(got, wanted, what) {
  const at = wanted.findIndex((text, i) => text !== got[i]);
  const where = at < 0 ? wanted.length : at;
  const around = (list) => JSON.stringify(list.slice(Math.max(0, where - 2), where + 3));
  assert(
    at < 0 && got.length === wanted.length,
    `${what} (seed ${seed}): ${got.length} messages instead of ${wanted.length}; at ${where} ${around(got)} instead of ${around(wanted)}`,
  );
}

/** alwaysRecovered checks every reconnect of a client that held an offset. */
export function alwaysRecovered(client, what) {
  const broken = client.connects.filter(({ recovered, from }) => recovered !== (from !== undefined));
  assert.deepEqual(broken, [], `${what} (seed ${seed})`);
}
