/**
 * Now, in ms since the epoch, by a clock that never jumps: what durations are reckoned by. It follows the clock of the
 * computer when the page begins, and not when that is set; while the computer sleeps it may stand still.
 */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

/** A moment by both clocks: the one above, and that of the computer, which goes on in its sleep. */
export interface Moment {
  readonly steady: number;
  readonly wall: number;
}

export function moment(): Moment {
  return { steady: steadyNow(), wall: Date.now() };
}

/** The time between two moments. One clock may have stood still, and the other have been put back. */
export function msBetween(before: Moment, after: Moment): number {
  return Math.max(after.steady - before.steady, after.wall - before.wall);
}

/** A moment of an earlier page, which knew another steady clock. One that is still to come is no one knows when. */
export function earlierMoment(wall: number): Moment {
  const now = moment();
  return { wall, steady: wall <= now.wall ? now.steady - (now.wall - wall) : Number.NEGATIVE_INFINITY };
}
