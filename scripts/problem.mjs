/** A Problem is something that a person can fix; only its message is printed, without a stack. */
export class Problem extends Error {}

/** main runs a script's body and turns its outcome into the exit code: what it returns, or 1 after a failure. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    console.error(error instanceof Problem ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
