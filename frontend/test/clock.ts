import { vi } from "vitest";

export const hour = 3_600_000;

/** Puts the clock of the computer back an hour. */
export const putBack = () => vi.setSystemTime(Date.now() - hour);
