"use client";

import { useEffect, useState } from "react";
import { steadyNow } from "@/browser/clock";
import styles from "./Banner.module.css";
import { useConnection, useConnector } from "./context";
import { keepFocus } from "./focus";
import { bannerWords } from "./words";

/** The problem of the connection, a countdown to the next attempt, and a button to try at once. */
export function Banner() {
  const connector = useConnector();
  const connection = useConnection();
  const words = bannerWords(connection);
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
        {words !== undefined && (
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

function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(steadyNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(steadyNow()), 250);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(Math.ceil((until - now) / 1000), 0);
  return <span>{`Next try in ${seconds} s`}</span>;
}
