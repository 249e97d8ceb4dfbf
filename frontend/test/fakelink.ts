import type { Memory } from "@/browser/memory";
import { Connector } from "@/connection/connector";
import type { Link, LinkListener } from "@/connection/link";
import { RoomStore } from "@/room/store";
import type { HistoryAnswer, HistoryRequest, MessageAnswer } from "@/wire/contract";

type Sent = { message: string; username: string; id: string };

/** A link with the test at its other end. */
export class FakeLink implements Link {
  listener!: LinkListener;
  connects = 0;
  up = false;
  readonly sent: (Sent & { answer: (answer: MessageAnswer | undefined) => void })[] = [];
  readonly asked: (HistoryRequest & { answer: (answer: HistoryAnswer | undefined) => void })[] = [];
  readonly typed: boolean[] = [];

  connect(): void {
    this.connects++;
  }

  close(): void {
    if (this.up) this.drop();
  }

  send(message: Sent): Promise<MessageAnswer | undefined> {
    return new Promise((answer) => this.sent.push({ ...message, answer }));
  }

  history(request: HistoryRequest): Promise<HistoryAnswer | undefined> {
    return new Promise((answer) => this.asked.push({ ...request, answer }));
  }

  typing(notice: { typing: boolean }): void {
    this.typed.push(notice.typing);
  }

  answersSign = true;

  alive(): Promise<boolean> {
    return Promise.resolve(this.answersSign);
  }

  accept(recovered = false, at = "1700000000000-0"): void {
    this.up = true;
    this.listener.connected(recovered);
    if (!recovered) this.listener.joined(at);
  }

  drop(): void {
    this.up = false;
    this.listener.lost();
    for (const { answer } of this.sent) answer(undefined);
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
}

export function openStore({ memory = new FakeMemory(), network = (): boolean => true } = {}) {
  const link = new FakeLink();
  let ids = 0;
  const connector = new Connector((listener) => {
    link.listener = listener;
    return link;
  }, network);
  const store = new RoomStore({ connector, memory, newId: () => `me-${ids++}` });
  return { connector, store, link, memory };
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
