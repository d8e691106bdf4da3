import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Known, MatchPhase } from "../../client/feed.ts";
import { useStatus } from "./store.ts";
import { clock, useTexts } from "./text.ts";

/** A full-width message in place of content that is not there. */
export function Notice(props: {
  title: string;
  detail?: string | undefined;
  urgent?: boolean;
  children?: ComponentChildren;
}) {
  return (
    <section class="notice" role={props.urgent ? "alert" : undefined}>
      <svg class="notice-art" viewBox="0 0 120 40" aria-hidden="true">
        <path d="M2 20h34l7-13 11 27 9-20 5 6h50" />
      </svg>
      <h1>{props.title}</h1>
      {props.detail && <p>{props.detail}</p>}
      {props.children && <div class="actions">{props.children}</div>}
    </section>
  );
}

/**
 * Says above the content why it stands still or what it misses: a lost
 * connection with the time of what is shown, or skipped updates.
 */
export function Banners(props: {
  at: number | undefined;
  skippedAt: number | undefined;
  dismiss(): void;
}) {
  const { t, timeOfDay } = useTexts();
  const { phase, lost, reconnect } = useStatus();
  const stale = phase !== "open" && props.at !== undefined;
  const { at, skippedAt } = props;
  return (
    <div class="banners" role="status">
      {stale && at !== undefined && <div class="banner warning">
        <p>
          <strong>{t("dataFrom", { time: timeOfDay(at) })}</strong>{" "}
          {phase === "closed"
            ? t("refusedPageHint", { code: lost?.code ?? 0, reason: lost?.reason ?? "" })
            : t("reconnecting")}
        </p>
        {phase === "closed"
          ? <Reload />
          : <button type="button" class="button small" onClick={reconnect}>
            {t("tryNow")}
          </button>}
      </div>}
      {skippedAt !== undefined && <div class="banner">
        <p>{t("skipped", { time: timeOfDay(skippedAt) })}</p>
        <button type="button" class="button small" onClick={props.dismiss}>
          {t("dismiss")}
        </button>
      </div>}
    </div>
  );
}

function Reload() {
  const { t } = useTexts();
  return (
    <button type="button" class="button small" onClick={() => location.reload()}>
      {t("reload")}
    </button>
  );
}

/** In place of a view that has no data: still loading, or no connection. */
export function Absent(props: { loading: string; children: ComponentChildren }) {
  const { t } = useTexts();
  const { phase, lost, reconnect } = useStatus();
  if (phase === "closed")
    return (
      <Notice urgent title={t("refusedPage")} detail={t("refusedPageHint",
        { code: lost?.code ?? 0, reason: lost?.reason ?? "" })}>
        <Reload />
      </Notice>
    );
  if (lost !== undefined && phase !== "open")
    return (
      <Notice urgent title={t("unreachable")} detail={t("unreachableHint")}>
        <button type="button" class="button" onClick={reconnect}>
          {t("tryNow")}
        </button>
      </Notice>
    );
  return (
    <div class="skeletons" aria-busy="true">
      <div class="visually-hidden" role="status"><h1>{props.loading}</h1></div>
      <div aria-hidden="true">{props.children}</div>
    </div>
  );
}

/** How a match stands, in a word and a colour. */
export function PhaseBadge(props: {
  phase: MatchPhase;
  remake?: Known<boolean> | undefined;
  winner?: Known<number> | undefined;
  gameTime?: Known<number> | undefined;
}) {
  const { t } = useTexts();
  if (props.phase === "live")
    return (
      <span class="badge live">
        <span class="dot" aria-hidden="true" />{t("live")}
        {props.gameTime != null && <>
          {" "}<span class="visually-hidden">{t("gameClock")}</span>
          <time class="clock">{clock(props.gameTime)}</time>
        </>}
      </span>
    );
  if (props.phase === "unknown")
    return <span class="badge">{t("incomplete")}</span>;
  if (props.phase === "aborted")
    return <span class="badge">{t("aborted")}</span>;
  if (props.remake)
    return <span class="badge">{t("remake")}</span>;
  if (props.winner === 100)
    return <span class="badge blue">{t("blueWon")}</span>;
  if (props.winner === 200)
    return <span class="badge red">{t("redWon")}</span>;
  return <span class="badge">{t("noWinner")}</span>;
}

/** A figure that shows for a moment that it has changed. */
export function Moving(props: {
  value: Known<number> | undefined;
  text?: string;
}) {
  const before = useRef(props.value);
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    if (before.current != null && before.current !== props.value)
      setChanges((count) => count + 1);
    before.current = props.value;
  }, [props.value]);
  return (
    <span key={changes} class={changes > 0 ? "moved" : undefined}>
      {props.value == null ? "–" : props.text ?? props.value}
    </span>
  );
}

/** Which team has more gold and how much, as a bar from the middle. The
 * figure stands beside it in words. */
export function GoldBalance(props: {
  difference: Known<number> | undefined;
}) {
  const { t, compact } = useTexts();
  const { difference } = props;
  if (difference == null)
    return <p class="balance-text muted">{t("goldUnknown")}</p>;
  // Where 15,000 fill half of the bar, small leads stay visible by the root.
  const share = Math.min(1, Math.sqrt(Math.abs(difference) / 15_000)) * 50;
  const ahead = difference === 0 ? "even" : difference > 0 ? "blue" : "red";
  return (
    <div class="balance">
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="balance-track" width="100" height="4" />
        <rect class={`balance-${ahead}`} height="4" width={share}
          x={difference > 0 ? 50 - share : 50} />
        <rect class="balance-middle" x="49.8" width="0.4" height="4" />
      </svg>
      <p class={`balance-text ${ahead}`}>
        {ahead === "even" ? t("goldEven") : <>
          <strong>{t(ahead)}</strong>{" "}
          {t("goldAhead", { amount: compact(Math.abs(difference)) })}
        </>}
      </p>
    </div>
  );
}

/** The sign of a team, told apart by shape as well as by colour. */
export function TeamSign(props: { team: "blue" | "red" }) {
  return (
    <svg class={`team-sign ${props.team}`} viewBox="0 0 12 12" aria-hidden="true">
      {props.team === "blue"
        ? <rect x="1.5" y="1.5" width="9" height="9" rx="2" />
        : <path d="M6 0.5 11.5 6 6 11.5 0.5 6Z" />}
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="mark-ground" width="32" height="32" rx="8" />
      <path class="mark-blue" d="M8 7v18" />
      <path class="mark-red" d="M24 7v18" />
      <path class="mark-beat" d="M9 16h4l2-4 2.5 8 2-4H23" />
    </svg>
  );
}

export function SunIcon() {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <circle cx="10" cy="10" r="3.5" />
      <path d="M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M4 16l1.4-1.4M14.6 5.4 16 4" />
    </svg>
  );
}

export function MoonIcon() {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7Z" />
    </svg>
  );
}
