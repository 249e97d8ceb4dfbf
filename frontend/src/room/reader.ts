import type { Entry } from "@/timeline/entries";
import {
  entryAt,
  firstBehind,
  type Past,
  pastAround,
  pastOf,
  reachesEnd,
  type Stretch,
  withNewer,
  withOlder,
} from "@/timeline/past";
import { firstAfter, isFull, maxEntries, maxPastEntries, type TimelineAction } from "@/timeline/timeline";
import type { HistoryAnswer, HistoryPlace, Offset } from "@/wire/contract";
import { compareOffsets, isOffset, lastPlaceBefore, offsetMs } from "@/wire/offset";
import type { RoomState, Sought } from "./state";

/** The message that is looked for, if it is here for sure. More: the server has others before these. */
function target({ offset, aim }: Sought, shown: Stretch, more = true): Entry | undefined {
  return aim ? firstBehind(shown, offset, more) : entryAt(shown.entries, offset);
}

export interface ReaderDeps {
  getState(): RoomState;
  update(change: Partial<RoomState>): void;
  changeTimeline(action: TimelineAction): void;
  ask(place: HistoryPlace): Promise<HistoryAnswer | undefined>;
  /** The most messages of one answer. */
  pageLength(): number;
}

/**
 * Reader loads what a reader of the room comes to. At the end of the room, that is the timeline. Further back it is a
 * bounded stretch of the past, while the timeline goes on out of sight; a stretch that comes forward to the timeline
 * becomes part of it.
 */
export class Reader {
  readonly #deps: ReaderDeps;
  /** Counts the changes between the timeline and a stretch. Answers that were asked for before one are dropped. */
  #view = 0;

  constructor(deps: ReaderDeps) {
    this.#deps = deps;
  }

  /** Asks for the messages before the first entry that is shown, unless a request is under way or there are none. */
  async loadOlder(): Promise<void> {
    const { older, past, timeline } = this.#state;
    if (older === "loading" || !(past ?? timeline).more || !this.#isLive()) return;
    const full = past === null && isFull(timeline, this.#deps.pageLength()) ? pastOf(timeline) : undefined;
    if (full) this.#leaveEnd(full);
    const view = this.#view;
    const before = this.#entries[0]?.offset;
    this.#deps.update({ older: "loading" });
    const answer = await this.#deps.ask(before === undefined ? {} : { before });
    if (view !== this.#view) return;
    if (answer?.status !== "ok") return this.#deps.update({ older: "failed" });
    const now = this.#state.past;
    if (now === null) this.#deps.changeTimeline({ type: "older", entries: answer.messages, more: answer.more });
    else if (now.entries[0]?.offset === before)
      this.#deps.update({ past: withOlder(now, answer.messages, answer.more) });
    this.#deps.update({ older: "idle" });
  }

  /** Asks for the messages after the last one of the past, unless a request is under way. */
  async loadNewer(): Promise<void> {
    const { newer, past } = this.#state;
    if (newer === "loading" || past === null || !this.#isLive()) return;
    const view = this.#view;
    this.#deps.update({ newer: "loading" });
    const answer = await this.#deps.ask({ after: past.to });
    if (view !== this.#view) return;
    // An older server answers with its newest messages instead.
    if (answer?.status !== "ok" || answer.newer === undefined) return this.#deps.update({ newer: "failed" });
    const now = this.#state.past;
    this.#deps.update({ newer: "idle" });
    if (now?.to !== past.to) return; // it was too long: another end follows
    const next = withNewer(now, answer.messages);
    if (reachesEnd(next, this.#state.timeline, answer.newer)) this.#joinEnd(next);
    else this.#deps.update({ past: next });
  }

  /** Asks for the newest of the messages that are missing in a gap. */
  async fillGap(after: Offset): Promise<void> {
    const gap = this.#state.timeline.gaps.find((other) => other.after === after);
    if (gap === undefined || gap.state === "loading" || gap.state === "lost") return;
    this.#deps.changeTimeline({ type: "gap", after, state: "loading" });
    const before = firstAfter(this.#state.timeline, after)?.offset;
    const answer = await this.#deps.ask(before === undefined ? {} : { before });
    if (answer?.status === "ok") {
      this.#deps.changeTimeline({ type: "filled", after, entries: answer.messages, more: answer.more });
    } else {
      this.#deps.changeTimeline({ type: "gap", after, state: "failed" });
    }
  }

  /** Shows the message at a place, with what is around it. Without a connection it waits for one. */
  seek(offset: string): void {
    if (isOffset(offset)) void this.#find({ offset, state: "loading" });
    else this.#inVain({ offset, state: "invalid" });
  }

  /** Shows the first message of a day, or of the next one with messages. Both ends are times in ms. */
  seekDay(begin: number, end: number): void {
    void this.#find({ offset: lastPlaceBefore(begin), aim: { dayEnd: end }, state: "loading" });
  }

  /** Shows the first message behind the last one that was read. */
  seekNews(read: Offset): void {
    void this.#find({ offset: read, aim: "news", state: "loading" });
  }

  /** Looks again for what could not be loaded. */
  retry(): void {
    const { sought } = this.#state;
    if (sought) void this.#find({ ...sought, state: "loading" });
  }

  /** The reader knows what became of a link. */
  dismiss(): void {
    this.#deps.update({ sought: null });
  }

  /** Shows the end of the room. */
  toEnd(): void {
    const { past, sought } = this.#state;
    if (sought !== null) this.dismiss();
    if (past !== null) this.#returnToEnd();
  }

  /** The room is connected again: what failed or waited may be asked for. */
  connected(): void {
    const { older, newer, sought } = this.#state;
    if (older === "failed") this.#deps.update({ older: "idle" });
    if (newer === "failed") this.#deps.update({ newer: "idle" });
    if (sought?.state === "loading" || sought?.state === "failed") this.retry();
  }

  async #find(sought: Sought): Promise<void> {
    this.#deps.update({ sought });
    const { past, timeline } = this.#state;
    const here = target(sought, past ?? timeline);
    if (here) return this.#found(sought, here);
    const atEnd = past && target(sought, timeline);
    if (atEnd) {
      this.#returnToEnd();
      return this.#found(sought, atEnd);
    }
    if (!this.#isLive() || timeline.live === null) return; // see connected
    const answer = await this.#deps.ask({ around: sought.offset });
    if (this.#state.sought !== sought) return;
    if (answer?.status !== "ok") return this.#deps.update({ sought: { ...sought, state: "failed" } });
    const around = pastAround(answer.messages, answer.more);
    const entry = around && target(sought, around, answer.more);
    if (!entry) return this.#without(sought, answer);
    if (reachesEnd(around, this.#state.timeline, answer.newer ?? true)) this.#joinEnd(around);
    else this.#leaveEnd(around);
    this.#found(sought, entry, entry === around.entries[0] && !answer.more);
  }

  /** An answer that does not have the message has one before that place, unless there is none or the server cannot tell. */
  #without(sought: Sought, { messages: [first], more }: { messages: readonly Entry[]; more: boolean }): void {
    const isOlder = first !== undefined && compareOffsets(sought.offset, first.offset) < 0;
    if (isOlder && more) this.#deps.update({ sought: { ...sought, state: "failed" } });
    else this.#inVain({ ...sought, state: "missing", ...(isOlder && { off: "kept" }) });
  }

  /** Whoever looks for a message in vain gets the newest ones. */
  #inVain(sought: Sought): void {
    this.toEnd();
    this.#deps.update({ sought });
  }

  /** Begins: the room has nothing before this message. */
  #found({ aim }: Sought, { offset }: Entry, begins = false): void {
    const isLate = typeof aim === "object" && offsetMs(offset) >= aim.dayEnd;
    const off = begins ? "begins" : "later";
    this.#deps.update({ sought: { offset, state: "shown", ...(aim && { aim }), ...(isLate && { off }) } });
  }

  /** Shows a stretch in place of the end of the room. */
  #leaveEnd(past: Past): void {
    this.#switchTo(past);
    this.#deps.changeTimeline({ type: "limited", limit: maxPastEntries });
  }

  /** Shows the end of the room in place of a stretch. */
  #returnToEnd(): void {
    this.#deps.changeTimeline({ type: "limited", limit: maxEntries });
    this.#switchTo(null);
  }

  /** The stretch has come to the end of the room. */
  #joinEnd({ entries, more }: Past): void {
    this.#deps.changeTimeline({ type: "continued", entries, more });
    this.#switchTo(null);
  }

  #switchTo(past: Past | null): void {
    this.#view++;
    this.#deps.update({ past, older: "idle", newer: "idle" });
  }

  get #state(): RoomState {
    return this.#deps.getState();
  }

  get #entries() {
    return (this.#state.past ?? this.#state.timeline).entries;
  }

  #isLive(): boolean {
    return this.#state.admission === "inside";
  }
}
