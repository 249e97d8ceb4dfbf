export interface Build {
  version: string;
  files: string[];
  known: string[];
}
export function buildOf(html: string, chunks: readonly string[]): Build;
export function workerOf(html: string, chunks: readonly string[]): string;
