import type { Memory } from "@/browser/memory";
import { Stored } from "@/browser/stored";

/** Of which messages a person wants to hear while they are elsewhere. */
export const abouts = ["all", "mentions", "none"] as const;
export type About = (typeof abouts)[number];

/** The signals that a person can switch on. All are off at first. */
export interface Wishes {
  /** Holds for the signals and for the counts in the title and on the button of the rooms. */
  readonly about: About;
  readonly sound: boolean;
  readonly notify: boolean;
}

export const noWishes: Wishes = { about: "all", sound: false, notify: false };

/** The wishes that this browser stores. */
export class Preferences extends Stored<Wishes> {
  constructor(browser: Memory) {
    super(browser, "chat.wishes", read);
  }

  getWishes = (): Wishes => this.get();
}

function read(text: string | null): Wishes {
  try {
    const { about, sound, notify } = JSON.parse(text ?? "{}") as Record<string, unknown>;
    return { about: abouts.find((one) => one === about) ?? "all", sound: sound === true, notify: notify === true };
  } catch {
    return noWishes;
  }
}
