import { firstCluster } from "@/text/clusters";

/** How many colours names have. */
export const tints = 12;

/**
 * tintOf returns the colour of an author, from 0 to tints - 1: the same on every page, and another one for most people
 * with the same name, because it is the author's id that counts. The name counts where a server gives no ids.
 */
export function tintOf(from: string | undefined, username: string): number {
  let hash = 0x811c9dc5;
  for (const unit of new TextEncoder().encode(from ?? username)) hash = Math.imul(hash ^ unit, 0x01000193);
  // The lowest bits alone say little.
  return ((hash ^ (hash >>> 15)) >>> 0) % tints;
}

/** What stands for a name where there is no space for it. */
export function initialOf(username: string): string {
  return firstCluster(username).toLocaleUpperCase();
}
