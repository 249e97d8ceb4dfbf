import { afterEach, describe, expect, test } from "vitest";
import type { Outgoing } from "@/outbox/outbox";
import { type Me, nobody } from "@/people/identity";
import { buildRows, RowBuilder } from "@/room/rows";
import { emptyTimeline, nextTimeline, type Timeline } from "@/timeline/timeline";
import type { PlacedMessage } from "@/wire/contract";
import { placed } from "../make";

const me: Me = { ...nobody, username: "ada", remembered: "ada", tag: "0123456789", names: ["ada"] };
const shape = (messages: PlacedMessage[], outbox: Outgoing[] = [], who = me) =>
  buildRows(nextTimeline(emptyTimeline, { type: "received", entries: messages }), outbox, who).map((row) =>
    row.kind === "message"
      ? `${row.mine ? ">" : "<"}${row.text}${row.first ? " first" : ""}${row.last ? " last" : ""}`
      : row.kind,
  );

const minute = 60_000;
const day = (n: number, minutes = 0) => new Date(2026, 0, n, 12).getTime() + minutes * minute;
function said(text: string, at: number, change: Partial<PlacedMessage> = {}): PlacedMessage {
  return placed(0, { message: text, at, offset: `${at}-0`, id: `x-${text}`, username: "bob", ...change });
}

const zone = process.env.TZ;
afterEach(() => {
  process.env.TZ = zone;
});

describe("rows", () => {
  test.each([
    ["America/Sao_Paulo", "2018-11-04T04:00Z", "2018-11-05T01:59Z", "2018-11-05T02:30Z"], // it has no midnight
    ["Europe/Berlin", "2026-03-28T23:00Z", "2026-03-29T21:59Z", "2026-03-29T22:00Z"], // 23 hours
    ["Europe/Berlin", "2026-10-24T22:00Z", "2026-10-25T22:59Z", "2026-10-25T23:00Z"], // 25 hours
    ["Pacific/Apia", "2011-12-29T20:00Z", "2011-12-30T09:59Z", "2011-12-30T10:00Z"], // the next one is left out
    ["UTC", "9999-12-31T00:00Z", "9999-12-31T23:59Z", "+010000-01-01T00:00Z"],
  ])("in %s a day has what was said from %s to %s", (tz, ...moments) => {
    process.env.TZ = tz;
    const messages = moments.map((moment, n) => said(`${n}`, Date.parse(moment)));
    const kinds = shape(messages).map((row) => row[0]);
    expect(kinds.join("")).toBe("td<<d<");
  });

  test("a line stands above the first message that is new to the reader", () => {
    const entries = [said("a", day(1)), said("b", day(1, 1)), said("c", day(1, 2)), said("d", day(1, 3))];
    const state = nextTimeline(emptyTimeline, { type: "received", entries });
    const lines = (known: string | null) => buildRows(state, [], me, known).map(({ kind }) => kind[0]);
    expect(lines(null).join("")).toBe("tdmmmm");
    expect(lines(`${day(1, 1)}-0`).join("")).toBe("tdmmnmm");
    // Between two messages, as after a message that is not shown.
    expect(lines(`${day(1, 1) + 5}-0`).join("")).toBe("tdmmnmm");
    // All are known, or it is not known which one is.
    expect(lines(`${day(1, 3)}-0`).join("")).toBe("tdmmmm");
    expect(lines("0-0").join("")).toBe("tdmmmm");
  });

  test("the line appears with the first new message, and moves when the reader comes again", () => {
    const builder = new RowBuilder();
    const [a, b, c] = [said("a", day(1)), said("b", day(1, 1)), said("c", day(1, 2))];
    const received = (...entries: PlacedMessage[]) => nextTimeline(emptyTimeline, { type: "received", entries });
    const kinds = (state: Timeline, known: PlacedMessage) =>
      builder
        .update(state, [], me, known.offset)
        .flat()
        .map(({ kind }) => kind[0])
        .join("");
    const first = received(a, b);
    expect(kinds(first, b)).toBe("tdmm");
    const second = nextTimeline(first, { type: "received", entries: [c] });
    expect(kinds(second, b)).toBe("tdmmnm");
    expect(kinds(second, a)).toBe("tdmnmm");
  });

  test("a day begins with its name; a run of one author is a group until a pause of five minutes", () => {
    const rows = shape([
      said("a", day(1)),
      said("b", day(1, 1)),
      said("c", day(1, 2), { username: "cy" }),
      said("d", day(1, 8), { username: "cy" }),
      said("e", day(2), { username: "cy" }),
    ]);
    expect(rows).toEqual([
      "top",
      "day",
      "<a first",
      "<b last",
      "<c first last",
      "<d first last",
      "day",
      "<e first last",
    ]);
  });

  test("a gap is shown in its place and ends a group", () => {
    let state = nextTimeline(emptyTimeline, { type: "joined", at: `${day(1)}-0`, recovered: false });
    state = nextTimeline(state, { type: "received", entries: [said("a", day(1, 1))] });
    state = nextTimeline(state, { type: "joined", at: `${day(1, 2)}-0`, recovered: false });
    expect(buildRows(state, [], me).map((row) => row.kind)).toEqual(["top", "day", "message", "gap"]);
    state = nextTimeline(state, { type: "received", entries: [said("b", day(1, 3))] });
    expect(buildRows(state, [], me).map((row) => row.kind)).toEqual(["top", "day", "message", "gap", "message"]);
  });

  test("P11 a namesake begins a run of their own", () => {
    const rows = shape([
      said("a", day(1), { from: "u1", verified: true }),
      said("b", day(1, 1), { from: "u1", verified: true }),
      said("c", day(1, 2), { from: "~2" }),
      said("d", day(1, 3), { from: "~3" }),
    ]);
    expect(rows).toEqual(["top", "day", "<a first", "<b last", "<c first last", "<d first last"]);
  });

  test("the outbox is shown at the end", () => {
    const item: Outgoing = {
      id: `${me.tag}-1`,
      username: "ada",
      text: "soon",
      at: day(1, 1),
      firstSentAt: null,
      author: null,
      delivery: { kind: "waiting" },
    };
    expect(shape([said("a", day(1))], [item])).toEqual(["top", "day", "<a first last", ">soon first last"]);
  });

  test("keys are unique, and an own message keeps its key in the timeline", () => {
    const id = `${me.tag}-1`;
    const own = said("mine", day(1), { id, username: "ada" });
    const forged = said("forged", day(1, 1), { id, username: "ada" });
    const rows = buildRows(nextTimeline(emptyTimeline, { type: "received", entries: [own, forged] }), [], me);
    const keys = rows.map((row) => row.key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toContain(`id:${id}`);
  });
});
