import type { HistoryAnswer, Offset, PlacedMessage, TypingNotice } from "@/wire/contract";
import { checkMessage, checkUsername, type MessageProblem, maxHistoryMessages } from "@/wire/limits";
import { compareOffsets } from "@/wire/offset";
import { moment, steadyNow } from "./clock";
import { type Connection, firstConnection } from "./connection";
import { Connector } from "./connector";
import { sendable } from "./draft";
import type { Link, OpenLink } from "./link";
import type { Memory } from "./memory";
import { maxOutgoing, type Outbox, type OutboxAction, type Outgoing, outbox, readOutbox, writeOutbox } from "./outbox";
import { OwnTyping } from "./owntyping";
import { emptyTimeline, firstAfter, isFull, type Timeline, type TimelineAction, timeline } from "./timeline";
import { forgotten, heardMessages, heardTyping, type Typists } from "./typists";

/** All that the server makes us know, and what we still want from it. Immutable; a change makes a new one. */
export interface ChatState {
  readonly connection: Connection;
  readonly timeline: Timeline;
  readonly outbox: Outbox;
  /** The question for messages before the first entry. */
  readonly older: "idle" | "loading" | "failed";
  readonly online: number | null;
  readonly typists: Typists;
  /** The id of the message that was written last in this page. */
  readonly written: string | null;
}

export const firstState: ChatState = {
  connection: firstConnection,
  timeline: emptyTimeline,
  outbox: [],
  older: "idle",
  online: null,
  typists: [],
  written: null,
};

export interface ChatDeps {
  openLink: OpenLink;
  /** Survives a reload of this tab. */
  memory: Memory;
  /** Makes an id for a message of ours, which nobody else makes. */
  newId: () => string;
  hasNetwork: () => boolean;
}

export type SendProblem = MessageProblem | "outbox_full";

const outboxKey = "chat.outbox";
const draftKey = "chat.draft";
/** Under load the page is drawn this often at most, whatever comes in. */
const flushMs = 50;
/** A connection that begins afresh starts with messages that are not news. */
const settleMs = 1000;
/** After so long without an answer the server is asked whether it is there at all. */
const patienceMs = 5000;
const historyRetryMs = 1000;
const historyRetries = 5;

/**
 * ChatStore is the room as this tab sees it: one connection, the timeline, the outbox. It lives outside React, is made
 * once, and tells its subscribers when the state changed.
 */
export class ChatStore {
  readonly #deps: ChatDeps;
  readonly #link: Link;
  readonly #connector: Connector;
  readonly #ownTyping: OwnTyping;
  readonly #subscribers = new Set<() => void>();
  readonly #newsListeners = new Set<(news: readonly PlacedMessage[]) => void>();
  #state: ChatState;
  #incoming: PlacedMessage[] = [];
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #typistTimer: ReturnType<typeof setTimeout> | undefined;
  #settledAt = Number.POSITIVE_INFINITY;
  #recovered = false;
  #joinedAt: Offset | null = null;

  constructor(deps: ChatDeps) {
    this.#deps = deps;
    this.#state = { ...firstState, outbox: readOutbox(deps.memory.get(outboxKey)) };
    this.#link = deps.openLink({
      connected: (recovered) => this.#connected(recovered),
      joined: (at) => this.#joined(at),
      message: (message) => this.#received(message),
      presence: (online) => this.#update({ online }),
      typing: (notice) => this.#typing(notice),
      lost: () => this.#lost(),
      failed: (failure) => this.#connector.failed(failure),
    });
    this.#connector = new Connector(this.#link, deps.hasNetwork, (connection) => this.#update({ connection }));
    this.#ownTyping = new OwnTyping((notice) => this.#link.typing(notice));
  }

  getState = (): ChatState => this.#state;

  /** Calls back after each change, until the returned function is called. */
  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };

  /** Tells messages as they become known, without the history at the start, in batches of a twentieth of a second. */
  onNews = (callback: (news: readonly PlacedMessage[]) => void): (() => void) => {
    this.#newsListeners.add(callback);
    return () => void this.#newsListeners.delete(callback);
  };

  /** Begins to connect. Further calls change nothing. */
  start(): void {
    this.#connector.start();
  }

  /** The person does not want to wait for the next attempt. */
  retryNow(): void {
    this.#connector.retryNow();
  }

  /** The page is seen again: connects at once, also where a connection died unnoticed. */
  seenAgain(): void {
    void this.#connector.seenAgain();
  }

  networkChanged(): void {
    this.#connector.networkChanged();
  }

  /** What is being written, and was not sent yet. It survives a reload, too. */
  get draft(): string {
    return this.#deps.memory.get(draftKey) ?? "";
  }

  set draft(text: string) {
    this.#deps.memory.set(draftKey, text);
  }

  /** Queues a message and sends it as soon as there is a connection. A problem means that nothing was queued. */
  send(username: string, written: string): SendProblem | undefined {
    const text = sendable(written);
    const problem = checkMessage(text);
    if (problem !== undefined) return problem;
    if (this.#state.outbox.length >= maxOutgoing) return "outbox_full";
    const name = checkUsername(username);
    const item: Outgoing = {
      id: this.#deps.newId(),
      // The name as the server will echo it. One that it would refuse comes back as a failure.
      username: name.ok ? name.username : username,
      text,
      at: Date.now(),
      firstSentAt: null,
      delivery: { kind: "waiting" },
    };
    this.#ownTyping.sent();
    this.#changeOutbox({ type: "added", item });
    this.#update({ written: item.id });
    this.#pump();
    return undefined;
  }

  /** Sends a failed message again, under its old id. */
  retry(id: string): void {
    this.#changeOutbox({ type: "retried", id, now: moment() });
    this.#pump();
  }

  discard(id: string): void {
    this.#changeOutbox({ type: "discarded", id });
  }

  /** Tells the others that something is being typed, or no longer; call it on each change of the text. */
  typing(username: string, typing: boolean): void {
    this.#ownTyping.changed(username, typing);
  }

  /** Asks for what comes before the first entry, unless that is under way or there is nothing. */
  async loadOlder(): Promise<void> {
    const { older, timeline, connection } = this.#state;
    if (older === "loading" || !timeline.more || isFull(timeline) || connection.state !== "live") return;
    this.#update({ older: "loading" });
    const answer = await this.#history(timeline.entries[0]?.offset);
    if (answer?.status === "ok") {
      this.#changeTimeline({ type: "older", entries: answer.messages, more: answer.more });
      this.#update({ older: "idle" });
    } else {
      this.#update({ older: "failed" });
    }
  }

  /** Asks for the newest messages that are missing in a gap. */
  async fillGap(after: Offset): Promise<void> {
    const gap = this.#state.timeline.gaps.find((other) => other.after === after);
    if (gap === undefined || gap.state === "loading" || gap.state === "lost") return;
    this.#changeTimeline({ type: "gap", after, state: "loading" });
    const answer = await this.#history(firstAfter(this.#state.timeline, after)?.offset);
    if (answer?.status === "ok") {
      this.#changeTimeline({ type: "filled", after, entries: answer.messages, more: answer.more });
    } else {
      this.#changeTimeline({ type: "gap", after, state: "failed" });
    }
  }

  async #history(before: Offset | undefined): Promise<HistoryAnswer | undefined> {
    for (let retries = 0; ; retries++) {
      const limit = maxHistoryMessages;
      const answer = await this.#watched(this.#link.history(before === undefined ? { limit } : { before, limit }));
      const early = answer?.status === "error" && answer.code === "rate_limited";
      // What was asked for can be what the outbox waits for, too.
      if (answer?.status === "ok") this.#changeOutbox({ type: "echoed", messages: answer.messages });
      if (!early || retries === historyRetries) return answer;
      await new Promise((resolve) => setTimeout(resolve, historyRetryMs));
    }
  }

  #connected(recovered: boolean): void {
    const first = this.#settledAt === Number.POSITIVE_INFINITY;
    if (first && !recovered) this.#settledAt = steadyNow() + settleMs;
    this.#recovered = recovered;
    this.#joinedAt = null;
    this.#connector.connected();
    this.#changeOutbox({ type: "connected", recovered, now: moment() });
    this.#pump();
    if (this.#state.older === "failed") this.#update({ older: "idle" });
  }

  #joined(at: Offset): void {
    this.#flush();
    this.#joinedAt = at;
    this.#changeTimeline({ type: "joined", at, recovered: this.#recovered });
  }

  #lost(): void {
    this.#ownTyping.disconnected();
    this.#changeOutbox({ type: "disconnected" });
    this.#update({ typists: [] });
    this.#connector.lost();
  }

  #received(message: PlacedMessage): void {
    this.#incoming.push(message);
    if (this.#flushTimer !== undefined) return;
    // The first of a burst is shown at once, the rest in batches.
    this.#flush();
    this.#flushTimer = setTimeout(() => {
      this.#flushTimer = undefined;
      if (this.#incoming.length > 0) this.#flush();
    }, flushMs);
  }

  #flush(): void {
    const messages = this.#incoming;
    if (messages.length === 0) return;
    this.#incoming = [];
    const newest = this.#state.timeline.entries.at(-1)?.offset;
    this.#changeOutbox({ type: "echoed", messages });
    this.#changeTimeline({ type: "received", entries: messages });
    this.#setTypists(heardMessages(this.#state.typists, new Set(messages.map((message) => message.username))));
    // Of a history that follows a reconnect only the end is news.
    const news = messages.filter(({ offset }) => newest === undefined || compareOffsets(offset, newest) > 0);
    if (news.length === 0 || steadyNow() < this.#settledAt) return;
    for (const listener of [...this.#newsListeners]) listener(news);
  }

  #typing(notice: TypingNotice): void {
    this.#setTypists(heardTyping(this.#state.typists, notice, steadyNow()));
  }

  #setTypists(typists: Typists): void {
    if (typists !== this.#state.typists) this.#update({ typists });
    clearTimeout(this.#typistTimer);
    const next = Math.min(...typists.map((typist) => typist.until));
    if (typists.length === 0) return;
    this.#typistTimer = setTimeout(
      () => this.#setTypists(forgotten(this.#state.typists, steadyNow())),
      Math.max(next - steadyNow(), 0) + 1,
    );
  }

  /** Sends what waits, in the order it was written, and never while there is no connection. */
  #pump(): void {
    if (this.#state.connection.state !== "live") return;
    for (const item of this.#state.outbox) {
      if (item.delivery.kind === "waiting") this.#transmit(item);
    }
  }

  async #transmit({ id, username, text }: Outgoing): Promise<void> {
    this.#changeOutbox({ type: "sent", id, now: moment() });
    const answer = await this.#watched(this.#link.send({ message: text, username, id }));
    const item = this.#state.outbox.find((other) => other.id === id);
    if (item?.delivery.kind !== "sending") return; // Its echo was faster, or the connection is gone.
    this.#changeOutbox(answer ? { type: "answered", id, answer, joined: this.#joinedAt } : { type: "unanswered", id });
  }

  /** Waits for an answer. A connection that keeps silent meanwhile may have died, and nobody was told. */
  async #watched<T>(answer: Promise<T>): Promise<T> {
    const watch = setInterval(() => void this.#connector.check(), patienceMs);
    try {
      return await answer;
    } finally {
      clearInterval(watch);
    }
  }

  #changeTimeline(action: TimelineAction): void {
    const next = timeline(this.#state.timeline, action);
    if (next !== this.#state.timeline) this.#update({ timeline: next });
  }

  #changeOutbox(action: OutboxAction): void {
    const next = outbox(this.#state.outbox, action);
    if (next === this.#state.outbox) return;
    this.#update({ outbox: next });
    this.#deps.memory.set(outboxKey, writeOutbox(next));
  }

  #update(change: Partial<ChatState>): void {
    this.#state = { ...this.#state, ...change };
    for (const subscriber of [...this.#subscribers]) subscriber();
  }
}
