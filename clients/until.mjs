import { setTimeout as delay } from "node:timers/promises";

/** until waits for a condition, and fails with its description when it does not come true in time. */
export async function until(what, condition, ms = 20_000) {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${typeof what === "function" ? what() : what}`);
    await delay(5);
  }
}
