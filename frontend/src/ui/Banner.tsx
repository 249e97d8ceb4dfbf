"use client";

import { useEffect, useState } from "react";
import { steadyNow } from "@/browser/clock";
import styles from "./Banner.module.css";
import { useAdmission, useConnection, useConnector } from "./context";
import { keepFocus } from "./focus";
import { bannerWords, roomSilentWords } from "./words";

/** A room that does not answer for this long is reported. */
const silentMs = 3000;

/** The problem of the connection or of the room, a countdown to the next attempt, and a button to try at once. */
export function Banner() {
  const connector = useConnector();
  const connection = useConnection();
  const silent = useSilentRoom();
  const words = bannerWords(connection) ?? (silent ? roomSilentWords : undefined);
  const retryAt = "retryAt" in connection ? connection.retryAt : null;
  const onlyByHand = connection.state === "refused" && connection.why === "forbidden";
  const mayRetry = retryAt !== null || onlyByHand;
  return (
    <div className={styles.place}>
      <div className={words && styles.banner} data-state={connection.state}>
        {/* Always mounted: screen readers announce a change in it, not its appearance. */}
        <p className={words === undefined ? "hidden" : styles.words} aria-live="polite">
          {words}
        </p>
        {words !== undefined && !silent && (
          <div className={styles.retry}>
            <p>{typeof retryAt === "number" ? <Countdown until={retryAt} /> : !mayRetry && "Trying now…"}</p>
            {mayRetry && (
              <button type="button" onClick={keepFocus(() => connector.retryNow())}>
                Retry now
              </button>
            )}
          </div>
        )}
      </div>
    </div>
  );
}

/** Whether the room has not let us in for a while, although the connection is live. */
function useSilentRoom(): boolean {
  const admission = useAdmission();
  const connection = useConnection();
  const waits = admission === "outside" && connection.state === "live";
  const [silent, setSilent] = useState(false);
  useEffect(() => {
    if (!waits) return setSilent(false);
    const timer = setTimeout(() => setSilent(true), silentMs);
    return () => clearTimeout(timer);
  }, [waits]);
  return waits && silent;
}

function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(steadyNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(steadyNow()), 250);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(Math.ceil((until - now) / 1000), 0);
  return <span>{`Next try in ${seconds} s`}</span>;
}
