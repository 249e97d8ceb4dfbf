/** The seed of every random choice in these tests; SEED=… repeats a run with another one. */
export const seed = Number(process.env.SEED ?? 20_261_124);

/** random returns a generator of numbers in [0, 1) that is the same for the same name and seed. */
export function random(name) {
  let state = seed;
  for (const char of name) state = Math.imul(state ^ char.codePointAt(0), 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
