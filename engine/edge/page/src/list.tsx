import { useMemo, useRef, useState } from "preact/hooks";
import type { MatchList, MatchSummary } from "../../client/feed.ts";
import { championName } from "./names/champions.ts";
import { gameName, platformName } from "./names/games.ts";
import {
  Absent, Banners, GoldBalance, Moving, Notice, PhaseBadge, TeamSign,
} from "./parts.tsx";
import { addressOf } from "./route.ts";
import type { Shown } from "./store.ts";
import { clock, useTexts, type Language } from "./text.ts";

type Filter = "all" | "live" | "finished";

/** How many finished matches are drawn at first, and with each "more". */
const page = 40;

function newestFirst(one: MatchSummary, other: MatchSummary): number {
  return (other.startedAt ?? 0) - (one.startedAt ?? 0)
    || (one.matchId < other.matchId ? 1 : -1);
}

function fits(match: MatchSummary, words: string[], language: Language): boolean {
  if (words.length === 0)
    return true;
  const text = [
    match.matchId,
    gameName(language, match),
    ...[...match.champions?.blue ?? [], ...match.champions?.red ?? []]
      .flatMap((word) => [word, championName(word)]),
  ].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

export function MatchListView(props: Shown<MatchList> & {
  restart(): void;
  dismiss(): void;
}) {
  const { t, language } = useTexts();
  const [filter, setFilter] = useState<Filter>("all");
  const [search, setSearch] = useState("");
  const [most, setMost] = useState(page);
  const list = useRef<HTMLDivElement>(null);
  const matches = props.state?.matches;
  const sorted = useMemo(() => [...matches ?? []].sort(newestFirst), [matches]);

  if (props.refusal !== undefined && props.refusal.retry !== "later"
    && matches === undefined)
    return (
      <Notice urgent title={t("refusedPage")} detail={props.refusal.message}>
        <button type="button" class="button" onClick={props.restart}>
          {t("loadAgain")}
        </button>
      </Notice>
    );
  if (matches === undefined)
    return (
      <Absent loading={t("loadingMatches")}>
        <div class="skeleton heading" />
        <div class="cards">
          {[1, 2, 3].map((place) => <div key={place} class="skeleton card" />)}
        </div>
      </Absent>
    );

  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = sorted.filter((match) => fits(match, words, language));
  const live = filter === "finished"
    ? [] : wanted.filter((match) => match.state === "live");
  const done = filter === "live"
    ? [] : wanted.filter((match) => match.state !== "live");
  const filtered = filter !== "all" || words.length > 0;

  // The arrows walk along the matches; Tab does as everywhere.
  const walk = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" || event.key === "ArrowRight" ? 1
      : event.key === "ArrowUp" || event.key === "ArrowLeft" ? -1 : 0;
    const links = [...list.current?.querySelectorAll<HTMLElement>("a.open") ?? []];
    const place = links.indexOf(document.activeElement as HTMLElement);
    if (step === 0 || place < 0)
      return;
    event.preventDefault();
    links[Math.max(0, Math.min(links.length - 1, place + step))]?.focus();
  };

  return (
    <>
      <Banners {...props} />
      <div class="list-head">
        <h1>{t("matches")}</h1>
        {sorted.length > 0 && <form class="filters" role="search"
          onSubmit={(event) => event.preventDefault()}>
          <input type="search" value={search} aria-label={t("search")}
            placeholder={t("searchHint")}
            onInput={(event) => setSearch(event.currentTarget.value)} />
          <fieldset class="segments">
            <legend class="visually-hidden">{t("show")}</legend>
            {(["all", "live", "finished"] as const).map((choice) => (
              <label key={choice}>
                <input type="radio" name="filter" value={choice}
                  checked={filter === choice}
                  onChange={() => setFilter(choice)} />
                <span>{t(choice)}</span>
              </label>
            ))}
          </fieldset>
        </form>}
      </div>
      {sorted.length === 0 && <div class="empty">
        <h2>{t("noMatches")}</h2>
        <p>{t("noMatchesHint")}</p>
      </div>}
      {sorted.length > 0 && filtered && live.length + done.length === 0
        && <div class="empty" role="status">
          <h2>{t("noneFound")}</h2>
          <p>{t("noneFoundHint")}</p>
          <button type="button" class="button" onClick={() => {
            setFilter("all");
            setSearch("");
          }}>{t("clearFilter")}</button>
        </div>}
      <div ref={list} onKeyDown={walk}>
        {(live.length > 0 || (!filtered && sorted.length > 0))
          && <section aria-labelledby="live-heading">
            <h2 id="live-heading">
              {t("liveNow")} <span class="count">{live.length}</span>
            </h2>
            {live.length === 0 && <p class="muted">{t("noneLive")}</p>}
            <ul class="cards">
              {live.map((match) => <LiveCard key={match.matchId} match={match} />)}
            </ul>
          </section>}
        {done.length > 0 && <section aria-labelledby="finished-heading">
          <h2 id="finished-heading">
            {t("finished")} <span class="count">{done.length}</span>
          </h2>
          <ul class="rows">
            {done.slice(0, most).map((match) =>
              <DoneRow key={match.matchId} match={match} />)}
          </ul>
          {done.length > most && <button type="button" class="button more"
            onClick={() => setMost(most + page)}>
            {t("showMore", { count: Math.min(page, done.length - most) })}
          </button>}
        </section>}
      </div>
    </>
  );
}

function LiveCard({ match }: { match: MatchSummary }) {
  const { t, language } = useTexts();
  // What only spectator-v5 tells of has no score, not one of 0:0.
  const scored = match.goldDifference != null
    || (match.blueKills ?? 0) + (match.redKills ?? 0) > 0;
  return (
    <li class="card" data-match={match.matchId}>
      <div class="card-top">
        <PhaseBadge phase={match.state} gameTime={match.gameTime} />
        <span class="muted">
          {gameName(language, match)}
          {" · "}{platformName(match.platformId)}
        </span>
      </div>
      <h3 class="score">
        <a class="open" href={addressOf(match.matchId)}>
          <span class="side blue"><TeamSign team="blue" />{t("blue")}</span>
          {" "}
          <span class="figure"><Moving value={scored ? match.blueKills : null} /></span>
          <span class="versus" aria-hidden="true">:</span>{" "}
          <span class="figure"><Moving value={scored ? match.redKills : null} /></span>{" "}
          <span class="side red">{t("red")}<TeamSign team="red" /></span>
        </a>
      </h3>
      <GoldBalance difference={match.goldDifference} />
      <div class="lineups">
        {(["blue", "red"] as const).map((team) => (
          <ul key={team} class={`lineup ${team}`}
            aria-label={`${t("champions")}, ${t(team)}`}>
            {(match.champions?.[team] ?? []).map((word, place) =>
              <li key={place}>{championName(word)}</li>)}
          </ul>
        ))}
      </div>
    </li>
  );
}

function DoneRow({ match }: { match: MatchSummary }) {
  const { t, language, moment, compact } = useTexts();
  const counted = match.state === "finished";
  const winner = match.remake ? 0 : match.winner;
  const { goldDifference } = match;
  return (
    <li class={`row ${counted ? "" : "uncounted"}`} data-match={match.matchId}>
      <div class="row-result">
        <PhaseBadge phase={match.state} remake={match.remake}
          winner={match.winner} />
        <span class="muted">
          {[gameName(language, match), platformName(match.platformId)]
            .filter(Boolean).join(" · ")}
        </span>
      </div>
      <h3 class="row-score">
        <a class="open" href={addressOf(match.matchId)}>
          {counted ? <>
            <span class="visually-hidden">{t("blue")} </span>
            <span class={winner === 100 ? "won blue" : undefined}>
              {match.blueKills ?? "–"}</span>
            <span class="versus" aria-hidden="true">:</span>
            <span class="visually-hidden">, {t("red")} </span>
            <span class={winner === 200 ? "won red" : undefined}>
              {match.redKills ?? "–"}</span>
          </> : match.matchId}
        </a>
      </h3>
      {counted && <>
        <p class="row-gold">
          {goldDifference != null && goldDifference !== 0 && <>
            <span class="visually-hidden">{t(goldDifference > 0 ? "blue" : "red")} </span>
            <span class={goldDifference > 0 ? "blue" : "red"}>
              +{compact(Math.abs(goldDifference))}
            </span>{" "}
            <span class="muted">{t("gold").toLowerCase()}</span>
          </>}
        </p>
        <div class="row-lineups">
          {(["blue", "red"] as const).map((team) => (
            <p key={team}>
              <TeamSign team={team} />
              <span class="visually-hidden">{t(team)}: </span>
              {(match.champions?.[team] ?? [])
                .map((word) => championName(word)).join(", ") || "–"}
            </p>
          ))}
        </div>
      </>}
      <div class="row-when">
        {match.gameTime != null && counted && <span>
          <span class="visually-hidden">{t("length")} </span>
          {clock(match.gameTime)}
        </span>}
        {match.startedAt ? <span class="muted">
          <span class="visually-hidden">{t("started")} </span>
          {moment(match.startedAt)}
        </span> : null}
      </div>
    </li>
  );
}
