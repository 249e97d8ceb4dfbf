import { steadyNow } from "@/browser/clock";
import type { HistoryAnswer, HistoryRequest, MessageAnswer, PeopleAnswer } from "@/wire/contract";
import { firstRetryMs, retryDelay, stableMs } from "./connection";
import type { LinkedRoom, Requests, RoomLink, RoomListener } from "./link";

/** What the rooms share. */
export interface Shared {
  /** Whether there is a connection, or an attempt under way. */
  carries(): boolean;
  /** Called when the server has let us into a room; `report` tells the room. */
  entered(report: () => void): void;
  /** Called when the server has refused us a room. */
  refused(): void;
  /** Begins to connect, unless there is a connection or will be. */
  start(): void;
  /** Waits for an answer, and for signs of life meanwhile. */
  watched<T>(answer: Promise<T>): Promise<T>;
  left(membership: Membership): void;
}

type Place = "outside" | "asking" | "inside" | "refused";

/**
 * Membership is one room over the shared connection. It decides when to ask to be let in: with each connection, but
 * later for a room that was in trouble while others were not, so that it does not cost the others their connection
 * again and again. A refusal is for good (ROOM-7).
 */
export class Membership implements Requests {
  readonly #shared: Shared;
  readonly #listener: RoomListener;
  readonly #link: RoomLink;
  #place: Place = "outside";
  /** Troubles in a row of this room alone. */
  #failures = 0;
  #enteredAt = Number.NEGATIVE_INFINITY;
  /** When to ask next, by the steady clock. */
  #askAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(shared: Shared, listener: RoomListener, openLink: (listener: LinkedRoom) => RoomLink) {
    this.#shared = shared;
    this.#listener = listener;
    this.#link = openLink({
      ...listener,
      entered: (recovered) => this.#entered(recovered),
      lost: () => this.#lost(),
      refused: (why) => {
        this.#place = "refused";
        listener.refused(why);
        shared.refused();
      },
      outdated: () => {
        this.#place = "outside";
        this.retryNow();
      },
    });
    if (shared.carries()) this.ask();
  }

  get isRefused(): boolean {
    return this.#place === "refused";
  }

  /** Asks to be let in, as soon as it is time. */
  ask(): void {
    if (this.#place !== "outside") return;
    clearTimeout(this.#timer);
    const wait = this.#askAt - steadyNow();
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#shared.carries() && this.ask(), wait);
      return;
    }
    this.#place = "asking";
    this.#link.enter();
  }

  /** A person wants to try now, also after a refusal. */
  retryNow(): void {
    if (this.#place === "refused") this.#place = "outside";
    this.#askAt = Number.NEGATIVE_INFINITY;
    if (this.#shared.carries()) this.ask();
    else this.#shared.start();
  }

  /** The connection or the attempt is gone. Shared: other rooms were well. */
  ended(shared: boolean): void {
    clearTimeout(this.#timer);
    const place = this.#place;
    if (place !== "refused") this.#place = "outside";
    if (place === "inside") {
      this.#failures = 0;
      this.#listener.lost();
    } else if (place === "asking" && shared) {
      this.#failed();
    }
  }

  leave(): void {
    clearTimeout(this.#timer);
    this.#link.leave();
    this.#shared.left(this);
  }

  send(message: { message: string; username: string; id: string }): Promise<MessageAnswer | undefined> {
    return this.#shared.watched(this.#link.send(message));
  }

  history(request: HistoryRequest): Promise<HistoryAnswer | undefined> {
    return this.#shared.watched(this.#link.history(request));
  }

  people(): Promise<PeopleAnswer | undefined> {
    return this.#shared.watched(this.#link.people());
  }

  typing(notice: { username: string; typing: boolean }): void {
    this.#link.typing(notice);
  }

  #entered(recovered: boolean): void {
    this.#place = "inside";
    this.#enteredAt = steadyNow();
    this.#shared.entered(() => this.#listener.entered(recovered));
  }

  /** The server ended our stay in this room; the connection goes on. */
  #lost(): void {
    if (this.#place !== "inside") return;
    this.#place = "outside";
    if (steadyNow() - this.#enteredAt >= stableMs) {
      this.#failures = 0;
      this.#askAt = steadyNow() + Math.random() * firstRetryMs;
    } else {
      this.#failed();
    }
    this.#listener.lost();
    if (this.#shared.carries()) this.ask();
  }

  #failed(): void {
    const delay = retryDelay(++this.#failures, { kind: "silent" }, Math.random()) ?? 0;
    this.#askAt = steadyNow() + delay;
  }
}
