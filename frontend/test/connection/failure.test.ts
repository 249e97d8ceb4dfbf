import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { connectFailure } from "@/connection/failure";

describe("pitfall 7: what a failed attempt means", () => {
  class Answer {
    constructor(
      readonly responseText: string,
      readonly retryAfter: string | null = null,
    ) {}
    getResponseHeader = (name: string) => (name === "Retry-After" ? this.retryAfter : null);
  }
  const error = (message: string, fields: object = {}) => Object.assign(new Error(message), fields);
  const refused = (status: number, context?: Answer) => error("xhr poll error", { description: status, context });
  beforeEach(() => void vi.stubGlobal("XMLHttpRequest", Answer));
  afterEach(() => void vi.unstubAllGlobals());

  test.each([
    [refused(403), { kind: "refused", why: "forbidden", retryAfterMs: null }],
    [refused(429), { kind: "refused", why: "too_many", retryAfterMs: null }],
    [refused(429, new Answer("", "30")), { kind: "refused", why: "too_many", retryAfterMs: 30_000 }],
    [refused(429, new Answer("", "Wed, 25 Nov 2026")), { kind: "refused", why: "too_many", retryAfterMs: null }],
    [refused(503, new Answer('{"code":7}', "5")), { kind: "refused", why: "full", retryAfterMs: 5000 }],
    [refused(503, new Answer('{"code":6}', "5")), { kind: "unreachable" }],
    [refused(503, new Answer('{"code":10}', "5")), { kind: "unreachable" }],
    [refused(503, new Answer("<html>")), { kind: "silent" }],
    [refused(503, new Answer("null")), { kind: "silent" }],
    [refused(503), { kind: "silent" }],
    [refused(502), { kind: "silent" }],
    [refused(0), { kind: "unreachable" }],
    [error("websocket error", { description: {} }), { kind: "unreachable" }],
    [error("timeout"), { kind: "silent" }],
  ])("%s", (given, expected) => {
    expect(connectFailure(given)).toEqual(expected);
  });
});
