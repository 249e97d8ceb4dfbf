import { afterEach, expect, test } from "vitest";
import { dateOf, dayOf } from "@/ui/days";

const zone = process.env.TZ;
afterEach(() => {
  process.env.TZ = zone;
});

const hours = 60 * 60_000;

test.each([
  ["Europe/Berlin", "2026-03-29", 23, "2026-03-28T23:00:00.000Z"],
  ["Europe/Berlin", "2026-10-25", 25, "2026-10-24T22:00:00.000Z"],
  ["Pacific/Auckland", "2026-11-26", 24, "2026-11-25T11:00:00.000Z"],
  ["America/Sao_Paulo", "2018-11-04", 23, "2018-11-04T03:00:00.000Z"], // it has no midnight
  ["UTC", "1969-12-31", 24, "1969-12-31T00:00:00.000Z"],
  ["UTC", "0099-01-01", 24, "0099-01-01T00:00:00.000Z"],
])("in %s, %s has %d hours and begins at %s", (tz, date, length, begins) => {
  process.env.TZ = tz;
  const day = dayOf(date);
  expect(new Date(day?.begin ?? 0).toISOString()).toBe(begins);
  expect(((day?.end ?? 0) - (day?.begin ?? 0)) / hours).toBe(length);
  expect(dateOf(day?.begin ?? 0)).toBe(date);
});

test.each(["", "today", "2026-1-1", "999999-01-01"])("%j is no date", (text) => expect(dayOf(text)).toBeUndefined());
