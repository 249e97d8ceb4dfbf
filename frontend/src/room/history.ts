import type { Requests } from "@/connection/link";
import type { HistoryAnswer, HistoryPlace } from "@/wire/contract";
import type { Limits } from "@/wire/limits";

const mostRetries = 5;

/** Asks for the messages at a place, or for the newest. A request that the server finds too fast is repeated. */
export async function askForHistory(
  requests: Pick<Requests, "history">,
  { historyMessages: limit, requestRate }: Limits,
  place: HistoryPlace,
): Promise<HistoryAnswer | undefined> {
  for (let retries = 0; ; retries++) {
    const answer = await requests.history({ ...place, limit });
    const tooFast = answer?.status === "error" && answer.code === "rate_limited";
    if (!tooFast || retries === mostRetries) return answer;
    // By then two requests are free: another room of ours may take one.
    await new Promise((resolve) => setTimeout(resolve, 2000 / Math.max(requestRate, 1)));
  }
}
