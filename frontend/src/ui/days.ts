/** The ends of a day in the time zone of the reader, in ms; it has 23 to 25 hours. Undefined for what is no date. */
export function dayOf(date: string): { begin: number; end: number } | undefined {
  const [, year, month, day] = /^(\d{4,6})-(\d{2})-(\d{2})$/.exec(date)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const [begin, end] = [day, day + 1].map((n) => midnightOf(year, month, n));
  return begin === undefined || end === undefined || !(begin < end) ? undefined : { begin, end };
}

/** The constructor of dates would take the year 99 for 1999. */
function midnightOf(year: number, month: number, day: number): number {
  const date = new Date(2000, 0, 1);
  date.setFullYear(year, month - 1, day);
  return date.getTime();
}

/** The day of a moment, as a date input writes it. */
export function dateOf(at: number): string {
  const date = new Date(at);
  const pad = (n: number, length: number) => String(n).padStart(length, "0");
  return `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1, 2)}-${pad(date.getDate(), 2)}`;
}
