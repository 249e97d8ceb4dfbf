"use client";

import { useCalendar } from "./calendar";
import { clockTime, exactTime } from "./times";

/** A time of day, which tells the day when pointed at. */
export function Clock({ at }: { at: number }) {
  useCalendar(); // drawn anew when it changes
  return (
    <time dateTime={new Date(at).toISOString()} title={exactTime(at)}>
      {clockTime(at)}
    </time>
  );
}
