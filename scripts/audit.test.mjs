// Tests what the answers of the lists of vulnerabilities mean.
import assert from "node:assert/strict";
import { test } from "node:test";
import { audits, verdict } from "./audit.mjs";

test("an audit fails if something is found, and passes if the list cannot be reached", () => {
  const [go, npm] = audits;
  const report = (total) => JSON.stringify({ vulnerabilities: {}, metadata: { vulnerabilities: { total } } });
  for (const [audit, status, stdout, want] of [
    [go, 0, "No vulnerabilities found.", "clean"],
    [go, 3, "Vulnerability #1", "found"],
    [go, 1, "", "no answer"],
    [go, null, "", "no answer"],
    [npm, 0, report(0), "clean"],
    [npm, 1, report(2), "found"],
    [npm, 1, '{"error":{"code":"ENOAUDIT"}}', "no answer"],
    [npm, 0, "", "no answer"],
    [npm, 1, "<html><style>p { color: red }</style>Please log in", "no answer"],
    [npm, null, "", "no answer"],
  ]) {
    assert.equal(verdict(audit, { status, stdout }), want, `${audit.title} ${status} ${stdout}`);
  }
});
