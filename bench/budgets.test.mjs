import assert from "node:assert/strict";
import { test } from "node:test";
import { faults, judge, median, summary } from "./budgets.mjs";

const closed = (round, server, rate) => ({ round, load: "closed", server, deliveries_per_s: rate });

test("a ratio is taken within a round, and the median of the rounds counts", () => {
  const results = [
    closed(1, "node", 100),
    closed(1, "chatd", 2500),
    closed(2, "node", 10), // a busy minute
    closed(2, "chatd", 240),
    closed(3, "node", 100),
    closed(3, "chatd", 1000),
  ];
  const [againstNode, againstCentrifuge] = judge(results, "chatd");
  assert.equal(againstNode.value, 24);
  assert.equal(againstNode.met, true);
  assert.equal(againstCentrifuge.value, undefined);
  assert.equal(againstCentrifuge.met, undefined);
});

test("a budget without a rival is the figure itself", () => {
  const idle = { round: 1, load: "idle", server: "chatd", rss_kib_per_connection: 10.1 };
  const verdict = judge([idle], "chatd").find((one) => one.what.startsWith("memory"));
  assert.equal(verdict.value, 10.1);
  assert.equal(verdict.met, false);
});

test("a budget can compare two loads of one server, and concern one server only", () => {
  const calm = (load, cpu) => ({ round: 1, load, server: "chatd-redis", store_cpu_us_per_message: cpu });
  const results = [calm("rooms-calm", 120), calm("room-calm", 100)];
  const verdict = (server) => judge(results, server).find((one) => one.what.endsWith("10,000 rooms to one"));
  assert.equal(verdict("chatd-redis").value, 1.2);
  assert.equal(verdict("chatd-redis").met, true);
  assert.equal(verdict("chatd").value, undefined);
});

test("a budget can be what a server has beyond another one, in units of a third", () => {
  const single = (server, p99) => ({ round: 1, load: "single", server, latency_ms: { p99 } });
  const results = [single("chatd", 5), single("chatd-file", 11), single("disk", 4)];
  const verdict = (all) => judge(all, "chatd-file").find((one) => one.what.includes("syncs"));
  assert.equal(verdict(results).value, 1.5);
  assert.equal(verdict(results).met, true);
  assert.equal(verdict(results.slice(0, 2)).value, undefined);
});

test("a summary takes medians, and adds faults up", () => {
  const first = { missing: 0, closed: 1, deliveries_per_s: 10, latency_ms: { p99: 4 } };
  const second = { missing: 2, closed: 1, deliveries_per_s: 20, latency_ms: { p99: 8 }, reasons: ["no"] };
  assert.deepEqual(summary([first, second]), {
    missing: 2,
    closed: 2,
    deliveries_per_s: 15,
    latency_ms: { p99: 6 },
    reasons: ["no"],
  });
  assert.deepEqual(faults(second), ["2 missing", "1 closed"]);
});

test("a median ignores what is no number", () => {
  assert.equal(median([3, undefined, 1, Number.NaN, 2]), 2);
  assert.equal(median([undefined]), undefined);
});
