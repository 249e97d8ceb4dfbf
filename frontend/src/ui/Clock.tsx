"use client";

import { useCalendar } from "./calendar";
import { clockTime, exactTime } from "./times";

/** A time of day. Its title is the date. */
export function Clock({ at }: { at: number }) {
  useCalendar(); // renders again when it changes
  return (
    <time dateTime={new Date(at).toISOString()} title={exactTime(at)}>
      {clockTime(at)}
    </time>
  );
}
