import { describe, expect, test } from "vitest";
import { historyOnJoin } from "@/connection/socketlink";
import { canRetry } from "@/outbox/outbox";
import type { ErrorCode } from "@/wire/contract";
import * as limits from "@/wire/limits";
import {
  readHistoryAnswer,
  readMessage,
  readMessageAnswer,
  readPeopleAnswer,
  readPresence,
  readTyping,
} from "@/wire/read";
import { fixture } from "../fixtures";

/** The arguments of an event, from the packet as it is sent. */
function argsOf(frame: string): unknown[] {
  return (JSON.parse(frame.slice(2)) as unknown[]).slice(1);
}

describe("what the server sends", () => {
  const messages = fixture<{ cases: { spec: string; name: string; message: object; offset: string; frame: string }[] }>(
    "server-message",
  );
  test.each(messages.cases)("$spec message: $name", ({ message, offset, frame }) => {
    const [payload, place] = argsOf(frame);
    expect(readMessage(payload, place)).toEqual({ ...message, offset });
  });

  const presences = fixture<{ cases: { spec: string; name: string; args: unknown[]; frame: string }[] }>(
    "server-presence",
  );
  test.each(presences.cases)("$spec presence: $name", ({ args, frame }) => {
    expect(argsOf(frame)).toEqual(args);
    expect(readPresence(args[0])).toEqual(args[0]);
  });

  const typing = fixture<{ cases: { spec: string; name: string; args: unknown[] }[] }>("server-typing");
  test.each(typing.cases)("$spec typing: $name", ({ args }) => {
    expect(readTyping(args[0])).toEqual(args[0]);
  });

  test("PRE-4 people", () => {
    const { answer } = fixture<{ answer: object }>("people");
    expect(readPeopleAnswer(answer)).toEqual({ status: "ok", ...answer });
    expect(
      readPeopleAnswer({ total: 1, people: [{ id: "a", name: "ada" }, { id: 5 }, null, { id: "b", name: "b" }] }),
    ).toEqual({
      status: "ok",
      total: 2,
      people: [
        { id: "a", name: "ada" },
        { id: "b", name: "b" },
      ],
    });
    for (const broken of [null, [], { total: -1, people: [] }, { total: "1", people: [] }, { total: 1 }]) {
      expect(readPeopleAnswer(broken).status).toBe("error");
    }
  });

  const history = fixture<{ cases: { spec: string; name: string; ack: { status: string } }[] }>("client-history");
  test.each(history.cases)("$spec history answer: $name", ({ ack }) => {
    expect(readHistoryAnswer(ack)).toMatchObject(ack);
  });

  const errors = fixture<{ codes: { code: ErrorCode; retry: boolean }[] }>("errors");
  test.each(errors.codes)("ERR-1 ERR-2 $code, retry: $retry", ({ code, retry }) => {
    const answer = { status: "error", code, message: "Words." };
    expect(readMessageAnswer(answer)).toEqual(answer);
    expect(canRetry(code)).toBe(retry);
  });
});

describe("input that breaks the contract", () => {
  const message = { message: "m", username: "u", id: "i", at: 1 };
  test.each([
    [null, "1-0"],
    ["text", "1-0"],
    [[message], "1-0"],
    [{ ...message, at: "1" }, "1-0"],
    [{ ...message, at: 1e300 }, "1-0"],
    [{ ...message, message: 7 }, "1-0"],
    [message, undefined],
    [message, 5],
    [message, "yesterday"],
  ])("is no message: %j %j", (payload, offset) => {
    expect(readMessage(payload, offset)).toBeUndefined();
  });

  test("an unknown code or a missing answer is an unknown refusal", () => {
    expect(readMessageAnswer({ status: "error", code: "moon", message: "M." })).toEqual({
      status: "error",
      code: "unknown",
      message: "M.",
    });
    for (const answer of [undefined, null, 1, "ok", [], {}, { status: "ok" }, { status: "ok", id: 1, at: 1 }]) {
      expect(readMessageAnswer(answer)).toMatchObject({ status: "error", code: "unknown" });
      expect(readHistoryAnswer(answer)).toMatchObject({ status: "error", code: "unknown" });
    }
  });

  test("a bad message in a history answer does not affect the good ones", () => {
    const good = { ...message, offset: "1-0" };
    expect(readHistoryAnswer({ status: "ok", messages: [good, null, { ...good, offset: "x" }], more: true })).toEqual({
      status: "ok",
      messages: [good],
      more: true,
    });
  });
});

describe("messages that we do not send", () => {
  interface Case {
    spec: string;
    name: string;
    args: [{ message: string; username: string }];
    ack: { status: string; code?: string };
    published?: { username: string };
  }
  const { cases } = fixture<{ cases: Case[] }>("client-message");
  const shaped = cases.filter(
    ({ args: [first] }) => typeof first?.message === "string" && typeof first.username === "string",
  );

  test.each(shaped.filter(({ spec }) => spec === "MSG-7" || spec === "MSG-8"))(
    "$spec $name",
    ({ args: [sent], published }) => {
      const checked = limits.checkUsername(sent.username);
      expect(checked.ok).toBe(published !== undefined);
      if (checked.ok) expect(checked.username).toBe(published?.username);
    },
  );

  test.each(shaped.filter(({ spec }) => spec === "MSG-6"))("$spec $name", ({ args: [sent], ack }) => {
    expect(limits.checkMessage(sent.message)).toBe(ack.code);
  });

  test("CON-3 the page asks for no more history than the server gives", () => {
    const { historyMax } = fixture<{ historyMax: number }>("handshake");
    expect(historyOnJoin).toBeLessThanOrEqual(historyMax);
  });

  test("LIM-8 numbers and white space match the server's", () => {
    const shared = fixture<Record<string, unknown> & { whitespace: string; notWhitespace: string }>("limits");
    const { maxMessageChars, maxUsernameChars, maxHistoryMessages, typingIntervalMs, minDedupeMs, anonymous } = limits;
    expect(shared).toMatchObject({
      maxMessageChars,
      maxUsernameChars,
      maxHistoryMessages,
      typingIntervalMs,
      minDedupeMs,
      anonymous,
    });
    for (const char of shared.whitespace) expect(limits.checkMessage(char)).toBe("empty");
    for (const char of shared.notWhitespace) expect(limits.checkMessage(char)).toBeUndefined();
  });

  test("MSG-5 characters are code points", () => {
    expect(limits.countChars("a😀é\ud800")).toBe(4);
    expect(limits.checkMessage("😀".repeat(limits.maxMessageChars))).toBeUndefined();
    expect(limits.checkMessage("😀".repeat(limits.maxMessageChars + 1))).toBe("too_long");
  });
});
