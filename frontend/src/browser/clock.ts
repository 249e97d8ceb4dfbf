/**
 * The time in ms since the epoch by a steady clock, for durations. It starts with the computer's clock when the page
 * begins and never jumps when that clock is set. It may stop while the computer sleeps.
 */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

/** A moment by both clocks: the steady clock, and the computer's clock, which continues during sleep. */
export interface Moment {
  readonly steady: number;
  readonly wall: number;
}

export function moment(): Moment {
  return { steady: steadyNow(), wall: Date.now() };
}

/**
 * The time between two moments, in ms. It takes the larger value: one clock may have stopped, the other may have been
 * put back.
 */
export function msBetween(before: Moment, after: Moment): number {
  return Math.max(after.steady - before.steady, after.wall - before.wall);
}

/**
 * A moment of an earlier page, which had another steady clock. A time in the future is unknown and counts as long ago.
 */
export function earlierMoment(wall: number): Moment {
  const now = moment();
  return { wall, steady: wall <= now.wall ? now.steady - (now.wall - wall) : Number.NEGATIVE_INFINITY };
}
