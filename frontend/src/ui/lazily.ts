import { useEffect, useState } from "react";

/**
 * useLoaded loads a part of the page when it is first wanted; undefined until then. A load that fails is tried again when
 * the part is next wanted: the rest of the page works without it.
 */
export function useLoaded<T>(load: () => Promise<T>, wanted: unknown): T | undefined {
  const [loaded, setLoaded] = useState<{ part: T }>();
  useEffect(() => {
    if (!wanted || loaded) return;
    let mounted = true;
    load().then(
      (part) => mounted && setLoaded({ part }),
      () => undefined,
    );
    return () => {
      mounted = false;
    };
  }, [load, wanted, loaded]);
  return loaded?.part;
}

/** Parts that nobody has wanted yet are loaded after so long, so that they are there without a connection, too. */
const preloadMs = 5000;

export function usePreloading(loads: readonly (() => Promise<unknown>)[]): void {
  useEffect(() => {
    const timer = setTimeout(() => {
      for (const load of loads) load().catch(() => undefined);
    }, preloadMs);
    return () => clearTimeout(timer);
  }, [loads]);
}
