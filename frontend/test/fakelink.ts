import type { Memory } from "@/browser/memory";
import { Connector } from "@/connection/connector";
import type { Link, LinkedRoom, LinkListener, RoomLink } from "@/connection/link";
import { type Me, nobody } from "@/people/identity";
import { RoomStore } from "@/room/store";
import type { HistoryAnswer, HistoryRequest, MessageAnswer, PeopleAnswer } from "@/wire/contract";
import { lobby, type RoomName } from "@/wire/rooms";

type Sent = { message: string; username: string; id: string };

/** A room on a link, with the test at its other end. */
export class FakeRoom implements RoomLink {
  readonly listener: LinkedRoom;
  /** How often it asked to be let in. */
  enters = 0;
  gone = false;
  readonly sent: (Sent & { answer: (answer: MessageAnswer | undefined) => void })[] = [];
  readonly asked: (HistoryRequest & { answer: (answer: HistoryAnswer | undefined) => void })[] = [];
  readonly askedPeople: ((answer: PeopleAnswer | undefined) => void)[] = [];
  readonly typed: boolean[] = [];

  constructor(listener: LinkedRoom) {
    this.listener = listener;
  }

  enter(): void {
    this.enters++;
  }

  leave(): void {
    this.gone = true;
  }

  send(message: Sent): Promise<MessageAnswer | undefined> {
    return new Promise((answer) => this.sent.push({ ...message, answer }));
  }

  history(request: HistoryRequest): Promise<HistoryAnswer | undefined> {
    return new Promise((answer) => this.asked.push({ ...request, answer }));
  }

  people(): Promise<PeopleAnswer | undefined> {
    return new Promise((answer) => this.askedPeople.push(answer));
  }

  typing(notice: { typing: boolean }): void {
    this.typed.push(notice.typing);
  }
}

/** A link with the test at its other end. What it does without a name concerns the global room. */
export class FakeLink implements Link {
  line!: LinkListener;
  connects = 0;
  up = false;
  readonly rooms = new Map<RoomName, FakeRoom>();

  /** A room that was joined. */
  at(name: RoomName): FakeRoom {
    const room = this.rooms.get(name);
    if (!room) throw new Error(`The link has no room ${name}.`);
    return room;
  }

  get listener(): LinkListener & LinkedRoom {
    return { ...this.at(lobby).listener, ...this.line, lost: () => this.line.lost() };
  }

  get sent(): FakeRoom["sent"] {
    return this.at(lobby).sent;
  }

  get asked(): FakeRoom["asked"] {
    return this.at(lobby).asked;
  }

  get typed(): FakeRoom["typed"] {
    return this.at(lobby).typed;
  }

  connect(): void {
    this.connects++;
  }

  close(): void {
    if (this.up) this.drop();
  }

  room(name: RoomName, listener: LinkedRoom): RoomLink {
    const room = new FakeRoom(listener);
    this.rooms.set(name, room);
    return room;
  }

  answersSign = true;

  alive(): Promise<boolean> {
    return Promise.resolve(this.answersSign);
  }

  accept(recovered = false, at = "1700000000000-0", name = lobby): void {
    this.up = true;
    const { listener } = this.at(name);
    listener.entered(recovered);
    if (!recovered) listener.joined(at);
  }

  drop(): void {
    this.up = false;
    this.line.lost();
    for (const room of this.rooms.values()) for (const { answer } of room.sent) answer(undefined);
  }
}

export class FakeMemory implements Memory {
  readonly kept = new Map<string, string>();
  get(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  set(key: string, value: string): void {
    this.kept.set(key, value);
  }
  remove(key: string): void {
    this.kept.delete(key);
  }
}

/** Ada, on a server that names no authors: messages with an id of hers are ours. */
export const ada: Me = { ...nobody, username: "ada", remembered: "ada", tag: "me", names: ["ada"] };

/** Somebody whose ids are predictable. */
export class FakeSelf {
  me = ada;
  #ids = 0;
  getMe = (): Me => this.me;
  newId = (): string => `me-${this.#ids++}`;
}

export function openConnector(network = (): boolean => true) {
  const link = new FakeLink();
  const connector = new Connector((listener) => {
    link.line = listener;
    return link;
  }, network);
  return { connector, link };
}

export function openStore({
  memory = new FakeMemory(),
  browser = new FakeMemory(),
  network = (): boolean => true,
  identity = new FakeSelf(),
} = {}) {
  const { connector, link } = openConnector(network);
  const store = new RoomStore({ name: lobby, connector, tab: memory, browser, identity, hidden: new Set() });
  return { connector, store, link, memory, browser, identity };
}

/** A store whose connection is live. */
export function live() {
  const opened = openStore();
  opened.connector.start();
  opened.link.accept();
  return opened;
}

export const ok = (id: string) => ({ status: "ok", id, at: Date.now() }) as const;
export const refusal = (code: "unavailable" | "rate_limited") => ({ status: "error", code, message: "" }) as const;
export const kinds = (store: RoomStore) => store.getState().outbox.map((item) => item.delivery.kind);
