import { type Moment, moment, steadyNow } from "@/browser/clock";
import type { Memory } from "@/browser/memory";
import type { Connector } from "@/connection/connector";
import type { Membership } from "@/connection/membership";
import { historyOnJoin } from "@/connection/socketlink";
import { maxOutgoing, nextOutbox, type OutboxAction, type Outgoing, type Sender } from "@/outbox/outbox";
import { readOutbox, writeOutbox } from "@/outbox/saved";
import { Attendance } from "@/people/attendance";
import type { Hidden } from "@/people/hidden";
import { type Identity, isMine } from "@/people/identity";
import { OwnTyping } from "@/people/owntyping";
import { forgotten, heardMessages, heardTyping, type Typists } from "@/people/typists";
import { sendable } from "@/text/sendable";
import { maxEntries, maxHiddenEntries, nextTimeline, type TimelineAction } from "@/timeline/timeline";
import type { HistoryAnswer, HistoryPlace, Offset, PlacedMessage } from "@/wire/contract";
import { checkMessage, checkUsername, type Limits, type MessageProblem } from "@/wire/limits";
import { compareOffsets, firstPlace } from "@/wire/offset";
import { lobby, type RoomName } from "@/wire/rooms";
import { Beginning } from "./beginning";
import { askForHistory } from "./history";
import { countUnread, LastRead } from "./lastread";
import { Reader } from "./reader";
import { firstState, type RoomState } from "./state";

export interface RoomDeps {
  name: RoomName;
  /** The room joins it; somebody else starts it. */
  connector: Connector;
  /** Survives a reload of this tab. */
  tab: Memory;
  /** All tabs share it, and it outlives them. */
  browser: Memory;
  identity: Pick<Identity, "getMe" | "newId">;
  hidden: Pick<Hidden, "has">;
}

export type SendProblem = MessageProblem | "outbox_full";

/** The key of what is stored for a room. */
function keyOf(what: "outbox" | "draft" | "read", name: RoomName): string {
  return name === lobby ? `chat.${what}` : `chat.${what}:${name}`;
}

/** Messages that arrive within this time are shown together. */
const batchMs = 50;

/**
 * RoomStore is one room as this tab sees it: its timeline and its outbox, over a connection that it does not own. It
 * lives outside React, is made once, and tells its subscribers when the state has changed.
 */
export class RoomStore {
  readonly name: RoomName;
  /** Reads what is further up. */
  readonly reader: Reader;
  /** Who is here. */
  readonly attendance = new Attendance(
    () => this.#member.people(),
    (present) => this.#update({ present }),
  );
  readonly #member: Membership;
  readonly #tab: Memory;
  readonly #lastRead: LastRead;
  readonly #identity: RoomDeps["identity"];
  readonly #hidden: RoomDeps["hidden"];
  readonly #ownTyping: OwnTyping;
  readonly #subscribers = new Set<() => void>();
  readonly #newsListeners = new Set<(news: readonly PlacedMessage[]) => void>();
  #state: RoomState;
  #incoming: PlacedMessage[] = [];
  #batchTimer: ReturnType<typeof setTimeout> | undefined;
  #typistTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #beginning = new Beginning(() => this.#update({ recalls: false }));
  #enteredBefore = false;
  /** Of the last connection. */
  #recovered = false;
  #joinedAt: Offset | null = null;
  #reading = false;
  /** Whether the person has read the room on an earlier page. */
  readonly #comesBack: boolean;

  constructor({ name, connector, tab, browser, identity, hidden }: RoomDeps) {
    this.name = name;
    this.#tab = tab;
    this.#identity = identity;
    this.#hidden = hidden;
    this.#lastRead = new LastRead(browser, keyOf("read", name));
    this.#comesBack = this.#lastRead.place !== null;
    this.#state = {
      ...firstState,
      outbox: readOutbox(tab.get(keyOf("outbox", name))),
      read: this.#lastRead.place,
      recalls: this.#comesBack,
    };
    this.reader = new Reader({
      getState: this.getState,
      update: (change) => this.#update(change),
      changeTimeline: (action) => this.#changeTimeline(action),
      ask: (place) => this.#history(place),
      pageLength: () => this.#limits.historyMessages,
    });
    this.#ownTyping = new OwnTyping((notice) => this.#member.typing(notice));
    this.#member = connector.join(name, {
      entered: (recovered) => this.#entered(recovered),
      lost: () => this.#lost(),
      refused: (why) => this.#update({ admission: { refused: why } }),
      joined: (at) => this.#joined(at),
      message: (message) => this.#received(message),
      presence: (online) => this.#counted(online),
      typing: (notice) => this.#setTypists(heardTyping(this.#state.typists, notice, steadyNow())),
    });
  }

  getState = (): RoomState => this.#state;

  /** Calls back after each change, until the returned function is called. */
  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };

  /** Reports new messages in batches, without the history at the start, until the returned function is called. */
  onNews = (callback: (news: readonly PlacedMessage[]) => void): (() => void) => {
    this.#newsListeners.add(callback);
    return () => void this.#newsListeners.delete(callback);
  };

  /** The text that is not sent yet. It survives a reload. */
  get draft(): string {
    return this.#tab.get(keyOf("draft", this.name)) ?? "";
  }

  set draft(text: string) {
    this.#tab.set(keyOf("draft", this.name), text);
  }

  /** Queues a message and sends it once there is a connection. Returns a problem if it queued nothing. */
  send(username: string, written: string): SendProblem | undefined {
    const text = sendable(written);
    const problem = checkMessage(text, this.#limits);
    if (problem !== undefined) return problem;
    if (this.#state.outbox.length >= maxOutgoing) return "outbox_full";
    const name = checkUsername(username, this.#limits);
    const item: Outgoing = {
      id: this.#identity.newId(),
      // The name as the server will echo it. The server refuses a bad name, which shows as a failure.
      username: name.ok ? name.username : username,
      text,
      at: Date.now(),
      firstSentAt: null,
      author: null,
      delivery: { kind: "waiting" },
    };
    this.#ownTyping.sent();
    this.#changeOutbox({ type: "added", item });
    this.#update({ written: item.id });
    this.#sendWaiting();
    return undefined;
  }

  /** Sends a failed message again, with the same id. */
  retry(id: string): void {
    this.#changeOutbox({ type: "retried", id, ...this.#attempt() });
    this.#sendWaiting();
  }

  discard(id: string): void {
    this.#changeOutbox({ type: "discarded", id });
  }

  /** Call it on each change of the text: the others see who is typing. */
  typing(username: string, typing: boolean): void {
    this.#ownTyping.changed(username, typing);
  }

  /** Says whether the room is on the screen. A hidden one holds fewer messages. */
  setShown(shown: boolean): void {
    if (!shown) this.reader.toEnd();
    this.#changeTimeline({ type: "limited", limit: shown ? maxEntries : maxHiddenEntries });
  }

  /**
   * Says whether the person reads the end of the room now. With each call that says so, all of it is read, and then
   * what arrives, but for the history at the start of a page.
   */
  setReading(reading: boolean): void {
    this.#reading = reading;
    if (reading) this.#markRead();
  }

  /** Call it when another tab may have read on. */
  rereadPlace(): void {
    this.#readIs(this.#lastRead.reread());
  }

  /** Call it when others are hidden than before: what those say is no news. */
  recount(): void {
    const timeline = { ...this.#state.timeline }; // mentions are counted once for each
    this.#update({ timeline, unread: countUnread(timeline.entries, this.#state.read, this.isNoNews) });
  }

  /** Asks to be let in now, also after a refusal. */
  enterNow(): void {
    if (typeof this.#state.admission === "object") this.#update({ admission: "outside" });
    this.#member.retryNow();
  }

  /** Leaves the room for good, and forgets what is stored for it. */
  leave(): void {
    this.#ownTyping.sent();
    this.#member.leave();
    this.#beginning.stop();
    clearTimeout(this.#batchTimer);
    clearTimeout(this.#typistTimer);
    for (const what of ["outbox", "draft"] as const) this.#tab.remove(keyOf(what, this.name));
    this.#lastRead.forget();
  }

  async #history(place: HistoryPlace): Promise<HistoryAnswer | undefined> {
    const answer = await askForHistory(this.#member, this.#limits, place);
    // It may contain messages whose echo the outbox waits for.
    if (answer?.status === "ok") this.#echoed(answer.messages);
    return answer;
  }

  #entered(recovered: boolean): void {
    this.#update({ admission: "inside" });
    if (!this.#enteredBefore && !recovered) this.#beginning.begin(historyOnJoin);
    else if (!this.#beginning.isOpen) this.#update({ recalls: false });
    this.#enteredBefore = true;
    this.#recovered = recovered;
    this.#joinedAt = null;
    this.#changeOutbox({ type: "connected", recovered, ...this.#attempt() });
    this.#sendWaiting();
    if (recovered) this.reader.connected();
  }

  #joined(at: Offset): void {
    this.#flush();
    this.#joinedAt = at;
    this.#changeTimeline({ type: "joined", at, recovered: this.#recovered });
    if (this.#reading && !this.#comesBack) this.#markRead();
    this.reader.connected();
  }

  #lost(): void {
    this.#ownTyping.disconnected();
    this.#changeOutbox({ type: "disconnected", author: this.#attempt().as.author });
    this.attendance.left();
    this.#update({ admission: "outside", typists: [] });
  }

  #counted(online: number): void {
    this.#update({ online });
    this.attendance.changed(online);
  }

  #received(message: PlacedMessage): void {
    this.#incoming.push(message);
    if (this.#batchTimer !== undefined) return;
    // The first message of a burst is shown at once, the rest in batches.
    this.#flush();
    this.#batchTimer = setTimeout(() => {
      this.#batchTimer = undefined;
      if (this.#incoming.length > 0) this.#flush();
    }, batchMs);
  }

  #flush(): void {
    const messages = this.#incoming;
    if (messages.length === 0) return;
    this.#incoming = [];
    const newest = this.#state.timeline.entries.at(-1)?.offset;
    this.attendance.heard(messages);
    this.#echoed(messages);
    this.#changeTimeline({ type: "received", entries: messages });
    this.#setTypists(heardMessages(this.#state.typists, new Set(messages.map((message) => message.username))));
    // Of the history that follows a reconnect, only the end is news.
    const old = this.#beginning.take(messages.length);
    const known = messages[old - 1]?.offset ?? newest;
    const news = messages.filter(({ offset }) => known === undefined || compareOffsets(offset, known) > 0);
    if (old > 0) this.#update({ begun: known ?? null });
    // Whoever comes back sees first what is new in the history.
    if (this.#reading && !(old > 0 && this.#comesBack)) this.#markRead();
    if (news.length === 0) return;
    // A room that nobody has read begins to be unread with its first news.
    if (this.#state.read === null) this.#readIs(this.#lastRead.advance(known ?? firstPlace));
    const shown = news.filter(({ from }) => !this.#hidden.has(from));
    for (const listener of [...this.#newsListeners]) listener(shown);
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

  /** Sends the waiting messages in the order they were written. Does nothing without a connection. */
  #sendWaiting(): void {
    if (!this.#isLive()) return;
    for (const item of this.#state.outbox) {
      if (item.delivery.kind === "waiting") this.#transmit(item);
    }
  }

  async #transmit({ id, username, text }: Outgoing): Promise<void> {
    this.#changeOutbox({ type: "sent", id, ...this.#attempt() });
    const answer = await this.#member.send({ message: text, username, id });
    const item = this.#state.outbox.find((other) => other.id === id);
    if (item?.delivery.kind !== "sending") return; // its echo was faster, or the connection is gone
    this.#changeOutbox(answer ? { type: "answered", id, answer, joined: this.#joinedAt } : { type: "unanswered", id });
  }

  #markRead(): void {
    const { entries, live } = this.#state.timeline;
    const place = entries.at(-1)?.offset ?? live;
    if (place !== null) this.#readIs(this.#lastRead.advance(place));
  }

  #readIs(read: Offset | null): void {
    if (read === this.#state.read) return;
    this.#update({ read, unread: countUnread(this.#state.timeline.entries, read, this.isNoNews) });
  }

  readonly #isMine = (message: PlacedMessage): boolean => isMine(this.#identity.getMe(), message);

  /** Whether a message is our own, or of somebody whom we do not want to see. */
  readonly isNoNews = (message: PlacedMessage): boolean => this.#isMine(message) || this.#hidden.has(message.from);

  get #limits(): Limits {
    return this.#identity.getMe().limits;
  }

  /** A message that is sent now. */
  #attempt(): { now: Moment; as: Sender } {
    const { user, limits } = this.#identity.getMe();
    return { now: moment(), as: { author: user?.id ?? null, dedupeMs: limits.dedupeMs } };
  }

  /** Takes our own messages out of the outbox: they are in the timeline. Strangers may use the same ids. */
  #echoed(messages: readonly PlacedMessage[]): void {
    this.#changeOutbox({ type: "echoed", messages: messages.filter(this.#isMine) });
  }

  #isLive(): boolean {
    return this.#state.admission === "inside";
  }

  #changeTimeline(action: TimelineAction): void {
    const next = nextTimeline(this.#state.timeline, action);
    if (next === this.#state.timeline) return;
    this.#update({ timeline: next, unread: countUnread(next.entries, this.#state.read, this.isNoNews) });
  }

  #changeOutbox(action: OutboxAction): void {
    const next = nextOutbox(this.#state.outbox, action);
    if (next === this.#state.outbox) return;
    this.#update({ outbox: next });
    this.#tab.set(keyOf("outbox", this.name), writeOutbox(next));
  }

  #update(change: Partial<RoomState>): void {
    this.#state = { ...this.#state, ...change };
    for (const subscriber of [...this.#subscribers]) subscriber();
  }
}
