// The budgets of chatd, and whether it meets them. A ratio compares two results of one round, which ran within minutes of
// each other; the median of the rounds counts.
const throughput = (r) => r.deliveries_per_s;
const delivery = (r) => r.cpu_us_per_delivery;
const tail = (r) => r.latency_ms?.p99;
const memory = (r) => r.rss_kib_per_connection;
const connect = (r) => r.connect_cpu_us;
const message = (r) => r.cpu_us_per_message;
const store = (r) => r.store_cpu_us_per_message;
const room = (r) => r.rss_kib_per_room;
const appends = (r) => r.sent / r.seconds;
const file = "chatd-file";

export const budgets = [
  { what: "deliveries/s, closed loop", load: "closed", figure: throughput, against: "node", atLeast: 20 },
  { what: "deliveries/s, closed loop", load: "closed", figure: throughput, against: "centrifuge", atLeast: 4 },
  { what: "CPU per delivery, one sender", load: "single", figure: delivery, against: "node", atMost: 0.6 },
  { what: "CPU per delivery, one sender", load: "single", figure: delivery, against: "write", atMost: 1.3 },
  { what: "CPU per delivery, bursts", load: "bursts", figure: delivery, against: "node", atMost: 0.25 },
  { what: "p99 latency, bursts", load: "bursts", figure: tail, against: "node", atMost: 0.25 },
  { what: "p99 latency, bursts", load: "bursts", figure: tail, against: "centrifuge", atMost: 0.6 },
  { what: "p99 latency, one sender", load: "single", figure: tail, against: "node", atMost: 0.7 },
  { what: "memory of an idle connection, KiB", load: "idle", figure: memory, atMost: 10 },
  { what: "CPU per connect", load: "idle", figure: connect, against: "node", atMost: 0.25 },
  { what: "CPU per message, 10,000 rooms", load: "rooms", figure: message, against: "centrifuge", atMost: 0.6 },
  { what: "CPU per message, 10,000 rooms", load: "rooms", figure: message, against: "node", atMost: 0.5 },
  {
    what: "deliveries/s, 10,000 rooms, closed loop",
    load: "rooms-closed",
    figure: throughput,
    against: "centrifuge",
    atLeast: 2,
  },
  { what: "Redis CPU µs per message, 10,000 rooms", load: "rooms", figure: store, atMost: 35, only: "chatd-redis" },
  {
    what: "Redis CPU per message, 10,000 rooms to one",
    load: "rooms-calm",
    than: "room-calm",
    figure: store,
    atMost: 1.3,
    only: "chatd-redis",
  },
  { what: "memory of a silent room and its one member, KiB", load: "rooms-idle", figure: room, atMost: 9 },
  { what: "deliveries/s, closed loop", load: "closed", figure: throughput, against: "chatd", atLeast: 0.8, only: file },
  { what: "messages/s, one room of 5, closed loop", load: "room-closed", figure: appends, atLeast: 30_000, only: file },
  {
    what: "p99 latency beyond that in memory, in p99 syncs of this disk, one sender",
    load: "single",
    figure: tail,
    beyond: "chatd",
    per: "disk",
    atMost: 3,
    only: file,
  },
];

const faultNames = ["missing", "duplicates", "disordered", "divergent", "alien", "closed", "connect_failures"];

/** faults lists what went wrong in one result, in words; it is empty if nothing did. */
export function faults(result) {
  const found = faultNames.filter((name) => result[name] > 0);
  return found.map((name) => `${result[name]} ${name.replace("_", " ")}`);
}

/**
 * judge holds the results of one server against the budgets. Each verdict is { what, against, must, value, met }; the last
 * two are undefined where something needed for them was not measured.
 */
export function judge(results, server) {
  return budgets.map(({ what, atLeast, atMost, against, ...budget }) => {
    const value = median(rounds(results).map((round) => compare(round, { ...budget, against, server })));
    const holds = atLeast !== undefined ? value >= atLeast : value <= atMost;
    const met = value === undefined ? undefined : holds;
    const must = atLeast !== undefined ? { atLeast } : { atMost };
    return { what, against, must, value, met };
  });
}

/**
 * compare takes a figure as it is, or as a multiple of another server's, or of the same server's under another load, or what
 * it has beyond another server's in units of a third. The server with a file has budgets of its own only.
 */
function compare(round, { load, than, figure, against, beyond, per, server, only = server === file ? "" : server }) {
  const of = (name, under) => round.filter((r) => r.load === under && r.server === name).map(figure)[0];
  const own = only === server ? of(server, load) : undefined;
  if (own !== undefined && beyond) return (own - of(beyond, load)) / of(per, load);
  if (own === undefined || !(against || than)) return own;
  return own / of(against ?? server, than ?? load);
}

function rounds(results) {
  return [...new Set(results.map((r) => r.round))].map((round) => results.filter((r) => r.round === round));
}

/** median ignores values that are not numbers; it is undefined if none is left. */
export function median(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return undefined;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** summary takes the median of every figure of results of the same server under the same load. Faults are added up. */
export function summary(results) {
  const keys = new Set(results.flatMap(Object.keys));
  const entries = [...keys].map((key) => [
    key,
    combine(
      key,
      results.map((r) => r[key]),
    ),
  ]);
  return Object.fromEntries(entries);
}

function combine(key, values) {
  const present = values.filter((value) => value !== undefined);
  if (faultNames.includes(key)) return present.reduce((sum, value) => sum + value, 0);
  if (typeof present[0] === "number") return median(present);
  if (typeof present[0] === "object" && !Array.isArray(present[0])) return summary(present);
  return present[0];
}
