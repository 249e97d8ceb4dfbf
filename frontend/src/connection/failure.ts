import type { ConnectFailure } from "./connection";

/**
 * connectFailure tells a refusal from a server that is not there. Only polling shows the answer to an attempt, and only
 * if the answer carries CORS headers. Polling is the last transport tried, so its error is the one we see.
 */
export function connectFailure(error: Error): ConnectFailure {
  const { description, context } = error as Error & { description?: unknown; context?: unknown };
  const answer = readAnswer(context);
  switch (description) {
    case 403:
      return { kind: "refused", why: "forbidden", retryAfterMs: null };
    case 429:
      return { kind: "refused", why: "too_many", retryAfterMs: answer.retryAfterMs };
    case 503:
      if (answer.code === code.full) return { kind: "refused", why: "full", retryAfterMs: answer.retryAfterMs };
      // A node that stops or starts accepts nobody; the next attempt finds another node. Any other 503 is not our
      // server's.
      return { kind: answer.code === code.stopping || answer.code === code.busy ? "unreachable" : "silent" };
    case 502:
    case 504:
      return { kind: "silent" };
    default:
      return error.message === "timeout" ? { kind: "silent" } : { kind: "unreachable" };
  }
}

/** The code in the body of a 503 of our server. */
const code = { stopping: 6, full: 7, busy: 10 } as const;

function readAnswer(context: unknown): { code: unknown; retryAfterMs: number | null } {
  if (typeof XMLHttpRequest === "undefined" || !(context instanceof XMLHttpRequest)) {
    return { code: undefined, retryAfterMs: null };
  }
  const seconds = Number(context.getResponseHeader("Retry-After") ?? Number.NaN);
  return {
    code: readCode(context.responseText),
    retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null,
  };
}

function readCode(body: string): unknown {
  try {
    return (JSON.parse(body) as { code?: unknown } | null)?.code;
  } catch {
    return undefined; // a proxy's answer
  }
}
