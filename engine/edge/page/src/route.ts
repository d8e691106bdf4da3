import { useEffect, useState } from "preact/hooks";

/** Where the page is: the part of the address behind `#`. */
export type Route =
  | { view: "list" }
  | { view: "match"; match: string }
  | { view: "unknown" };

export function routeOf(hash: string): Route {
  const path = hash.replace(/^#\/?/, "");
  if (path === "")
    return { view: "list" };
  const match = /^match\/([^/]+)$/.exec(path)?.[1];
  if (match === undefined)
    return { view: "unknown" };
  try {
    return { view: "match", match: decodeURIComponent(match) };
  } catch {
    return { view: "unknown" };
  }
}

export function addressOf(match: string): string {
  return `#/match/${encodeURIComponent(match)}`;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const follow = (): void => setRoute(routeOf(location.hash));
    addEventListener("hashchange", follow);
    // It may have changed between the first drawing and here.
    follow();
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}
