import { getCalendar } from "./calendar";

export function clockTime(at: number): string {
  return getCalendar().clock.format(at);
}

export function exactTime(at: number): string {
  return getCalendar().exact.format(at);
}

export function copiedTime(at: number): string {
  return getCalendar().copied.format(at);
}

export function dayName(at: number, now: number): string {
  const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const { date, dateOfYear } = getCalendar();
  return Math.abs(days) < 180 ? date.format(at) : dateOfYear.format(at);
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
