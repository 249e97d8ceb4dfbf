import { useSyncExternalStore } from "react";

/** Dates and times in the reader's language. Formatters are costly, so there is one of each. */
export interface Calendar {
  /** The midnight at which today began. */
  readonly today: number;
  readonly clock: Intl.DateTimeFormat;
  readonly exact: Intl.DateTimeFormat;
  readonly copied: Intl.DateTimeFormat;
  readonly date: Intl.DateTimeFormat;
  readonly dateOfYear: Intl.DateTimeFormat;
  readonly zone: string;
  /** The time zone and the languages from which the rest follows. */
  readonly key: string;
}

/** The longest time between two checks; midnight causes one as well. */
const lookMs = 60_000;

const subscribers = new Set<() => void>();
let calendar = readCalendar();
let timer: ReturnType<typeof setTimeout> | undefined;

export function getCalendar(): Calendar {
  return calendar;
}

/** The current calendar. It changes in an open page: a day ends, the reader travels or chooses another language. */
export function useCalendar(): Calendar {
  return useSyncExternalStore(subscribe, getCalendar, getCalendar);
}

function subscribe(callback: () => void): () => void {
  subscribers.add(callback);
  if (subscribers.size === 1) {
    // Timers stop while a computer sleeps.
    document.addEventListener("visibilitychange", look);
    for (const change of ["focus", "languagechange"]) window.addEventListener(change, look);
    look();
  }
  return () => {
    subscribers.delete(callback);
    if (subscribers.size > 0) return;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
    for (const change of ["focus", "languagechange"]) window.removeEventListener(change, look);
  };
}

function look(): void {
  clearTimeout(timer);
  timer = setTimeout(look, Math.min(lookMs, new Date().setHours(24, 0, 0, 0) - Date.now()));
  if (keyNow() === calendar.key) return;
  calendar = readCalendar();
  for (const subscriber of [...subscribers]) subscriber();
}

function midnight(): number {
  return new Date().setHours(0, 0, 0, 0);
}

function zoneNow(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function keyNow(): string {
  return [midnight(), zoneNow(), globalThis.navigator?.languages].join();
}

function readCalendar(): Calendar {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(undefined, options);
  return {
    today: midnight(),
    clock: format({ hour: "numeric", minute: "2-digit" }),
    exact: format({ dateStyle: "full", timeStyle: "medium" }),
    copied: format({ dateStyle: "medium", timeStyle: "short" }),
    date: format({ weekday: "long", day: "numeric", month: "long" }),
    dateOfYear: format({ day: "numeric", month: "long", year: "numeric" }),
    zone: zoneNow(),
    key: keyNow(),
  };
}
