import { steadyNow } from "@/browser/clock";
import type { PeopleAnswer, Person, PlacedMessage, Refusal } from "@/wire/contract";
import { anonymous, maxPeople } from "@/wire/limits";

/** Who is in a room, as far as the server has told. Immutable. */
export interface Present {
  readonly people: readonly Person[];
  /** How many are here; more than `people` if not all are named. */
  readonly total: number;
  /** Whether the last request was answered. Without an answer, `people` are those of the answer before. */
  readonly state: "unasked" | "known" | "failed";
}

export const noPresent: Present = { people: [], total: 0, state: "unasked" };

/** The shortest time between two requests. */
const pauseMs = 5000;
/** The same in a room with more people than the list names: a list of some of them is seldom outdated. */
const crowdPauseMs = 30_000;
/** All pages of a room hear of a change together. Their requests are spread over so long for each of them, up to a bound. */
const spreadMs = 10;
const longestSpreadMs = 10_000;
/** An answer may be a second old, and older in a crowd (PRE-7): it does not tell of a change that is younger. */
const settledMs = (online: number) => 1200 + online / 10;
/** Who has just come without a name may be about to choose one, which nobody else is told. */
const namingMs = 15_000;

/**
 * Attendance keeps the list of people up to date while somebody looks at it. It asks when the first one looks and after
 * changes, never twice within the pause, and waits for nothing while nothing changes.
 */
export class Attendance {
  readonly #request: () => Promise<PeopleAnswer | undefined>;
  readonly #report: (present: Present) => void;
  #present = noPresent;
  #watchers = 0;
  /** Null while we are not in the room: nobody can be asked. */
  #online: number | null = null;
  /** Whether the list may have changed since the last request. */
  #stale = true;
  #asking = false;
  #changedAt = Number.NEGATIVE_INFINITY;
  /** The end of the pause after the last request, by the steady clock. */
  #pausedUntil = Number.NEGATIVE_INFINITY;
  /** The ids of those who had no name in the last answer. */
  #nameless: readonly string[] = [];
  #due = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(request: () => Promise<PeopleAnswer | undefined>, report: (present: Present) => void) {
    this.#request = request;
    this.#report = report;
  }

  /** Somebody looks at the list, until the returned function is called. */
  watch(): () => void {
    if (this.#watchers++ === 0) {
      this.#stale = true;
      this.#askIn(0);
    }
    return () => {
      if (--this.#watchers === 0) this.#unset();
    };
  }

  /** Call it when somebody has come or gone, or when we have come. */
  changed(online: number): void {
    this.#online = online;
    this.#changedAt = steadyNow();
    this.#stale = true;
    const spread = Math.random() * Math.min(online * spreadMs, longestSpreadMs);
    this.#askIn(this.#isFirst ? 0 : settledMs(online) + spread);
  }

  /** Call it when we are not in the room any more. */
  left(): void {
    this.#online = null;
    this.#unset();
  }

  /** Call it with each message: somebody may have changed their name. */
  heard(messages: readonly PlacedMessage[]): void {
    const names = new Map(messages.map(({ from, username }) => [from, username]));
    const renamed = this.#present.people.some(({ id, name }) => (names.get(id) ?? name) !== name);
    if (renamed && this.#online !== null) this.changed(this.#online);
  }

  /** Asks in so many ms, but not within the pause, and not later than was decided before. */
  #askIn(ms: number): void {
    if (!this.#stale || this.#asking || this.#online === null || this.#watchers === 0) return;
    const due = Math.max(this.#pausedUntil, steadyNow() + ms);
    if (due >= this.#due) return;
    this.#unset();
    this.#due = due;
    this.#timer = setTimeout(() => void this.#ask(), due - steadyNow());
  }

  get #isFirst(): boolean {
    return this.#present.state === "unasked";
  }

  #unset(): void {
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
  }

  async #ask(): Promise<void> {
    this.#unset();
    const [now, online] = [steadyNow(), this.#online ?? 0];
    this.#stale = now < this.#changedAt + settledMs(online);
    this.#asking = true;
    this.#pausedUntil = now + (online > maxPeople && !this.#isFirst ? crowdPauseMs : pauseMs);
    const answer = await this.#request();
    this.#asking = false;
    this.#present =
      answer?.status === "ok"
        ? { people: answer.people, total: answer.total, state: "known" }
        : { ...this.#present, state: "failed" };
    this.#askIn(0);
    if (!this.#stale) this.#askAgain(answer);
    this.#report(this.#present);
  }

  /** A server that is busy is asked again. One that is silent or away is asked after the next change. */
  #askAgain(answer: PeopleAnswer | undefined): void {
    if (answer?.status === "ok") {
      const nameless = answer.people.filter(({ name }) => name === anonymous).map(({ id }) => id);
      this.#stale = nameless.some((id) => !this.#nameless.includes(id));
      this.#nameless = nameless;
      this.#askIn(namingMs);
    } else if (answer !== undefined && isBusy(answer)) {
      this.#stale = true;
      this.#askIn(0);
    }
  }
}

function isBusy({ code }: Refusal): boolean {
  return code === "rate_limited" || code === "unavailable";
}
