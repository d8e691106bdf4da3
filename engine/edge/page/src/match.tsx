import { useMemo, useState } from "preact/hooks";
import type {
  Ban, Known, MatchState, ParticipantState, TeamState,
} from "../../client/feed.ts";
import { GoldCard } from "./chart.tsx";
import { Events } from "./events.tsx";
import { championName } from "./names/champions.ts";
import { gameName, mapName, platformName } from "./names/games.ts";
import { itemLetters, itemName } from "./names/items.ts";
import {
  Absent, Banners, Moving, Notice, PhaseBadge, TeamSign,
} from "./parts.tsx";
import type { Theme } from "./settings.ts";
import { useChannel } from "./store.ts";
import { clock, useTexts, type TextKey, type Texts } from "./text.ts";

const objectives = [
  ["towers", "towers"], ["inhibitors", "inhibitors"], ["dragons", "dragons"],
  ["heralds", "heralds"], ["barons", "barons"], ["horde", "grubs"],
] as const satisfies readonly (readonly [keyof TeamState, TextKey])[];

const positions = new Map<string, TextKey>([
  ["TOP", "top"], ["JUNGLE", "jungle"], ["MIDDLE", "middle"],
  ["BOTTOM", "bottom"], ["UTILITY", "utility"],
]);

const sources = new Map<string, TextKey>([
  ["spectator-v5", "sourceSpectator"], ["live-client", "sourceClient"],
  ["match-v5", "sourceMatch"], ["file", "sourceFile"],
]);

export function MatchView(props: { match: string; theme: Theme }) {
  const shown = useChannel<MatchState>(props.match);
  const { t, timeOfDay } = useTexts();
  const { refusal } = shown;
  const state = useMemo(() => shown.state && honest(shown.state), [shown.state]);
  const refused = refusal !== undefined && refusal.retry !== "later";

  if (state === undefined && refused)
    return refusal.code === "match_unknown"
      ? (
        <Notice urgent title={t("unknownMatch", { match: props.match })}
          detail={t("unknownMatchHint")}>
          <a class="button primary" href="#/">{t("backToMatches")}</a>
          <button type="button" class="button" onClick={shown.restart}>
            {t("loadAgain")}
          </button>
        </Notice>
      )
      : (
        <Notice urgent title={t("refusedMatch")} detail={refusal.message}>
          <a class="button primary" href="#/">{t("backToMatches")}</a>
          <button type="button" class="button" onClick={shown.restart}>
            {t("loadAgain")}
          </button>
        </Notice>
      );
  if (state === undefined)
    return (
      <Absent loading={t("loadingMatch")}>
        <div class="skeleton hero" />
        <div class="columns">
          <div class="skeleton panel" />
          <div class="skeleton panel" />
        </div>
      </Absent>
    );
  return (
    <article class="match">
      <p class="back"><a href="#/">← {t("backToMatches")}</a></p>
      <Banners {...shown} />
      {refused && <div class="banner warning" role="alert">
        <p>
          <strong>{t(refusal.retry === "fresh"
            ? "refusedCursor" : "refusedMatch")}</strong>{" "}
          {t("refusedCursorHint", {
            time: shown.at === undefined ? "–" : timeOfDay(shown.at),
            reason: refusal.message,
          })}
        </p>
        <button type="button" class="button small" onClick={shown.restart}>
          {t("loadAgain")}
        </button>
      </div>}
      <Hero state={state} />
      {state.state === "aborted"
        ? <p class="panel muted">{t("abortedHint")}</p>
        : <>
          {state.remake && <p class="panel muted">{t("remakeHint")}</p>}
          <div class="columns">
            <GoldCard state={state} theme={props.theme} />
            <Events state={state} />
          </div>
          <Teams state={state} />
        </>}
      <Facts state={state} />
    </article>
  );
}

/** A game of which only spectator-v5 tells has no score at all: the zeros in
 * its state are where figures will be, not figures. */
function honest(state: MatchState): MatchState {
  const scored = state.state !== "live"
    || state.participants?.some((player) => player.championName != null);
  if (scored)
    return state;
  return {
    ...state,
    teams: [],
    participants: (state.participants ?? []).map(
      ({ participantId, teamId, championId, playerId }) => ({
        participantId, teamId, championId: championId ?? null,
        playerId: playerId ?? null,
      })),
  };
}

function teamOf(state: MatchState, teamId: number): TeamState {
  return state.teams?.find((team) => team.teamId === teamId) ?? { teamId };
}

/** Who plays, how it stands, what was taken. */
function Hero({ state }: { state: MatchState }) {
  const { t, language, compact } = useTexts();
  const blue = teamOf(state, 100);
  const red = teamOf(state, 200);
  const decided = state.state === "finished" && !state.remake
    && (state.winner === 100 || state.winner === 200);
  const side = (team: "blue" | "red", of: TeamState) => (
    <div class={`hero-side ${team}`}>
      <span class="hero-team"><TeamSign team={team} />{t(team)}</span>
      {decided && <span class="hero-verdict">
        {t(state.winner === of.teamId ? "victory" : "defeat")}
      </span>}
      {of.gold != null && <span class="muted">
        <Moving value={of.gold} text={compact(of.gold)} /> {t("gold").toLowerCase()}
      </span>}
    </div>
  );
  return (
    <header class="hero">
      <h1 class="visually-hidden">
        {gameName(language, state)} {state.matchId}
      </h1>
      <p class="hero-game">
        {[gameName(language, state),
          mapName(language, state.mapId), platformName(state.platformId)]
          .filter(Boolean).join(" · ")}
      </p>
      {state.state !== "aborted" && <div class="hero-score">
        {side("blue", blue)}
        <p class="hero-figures" aria-label={t("score")} role="group">
          <span class="visually-hidden">{t("blue")} </span>
          <span class="figure blue"><Moving value={blue.kills} /></span>
          <span class="versus" aria-hidden="true">:</span>
          <span class="visually-hidden">, {t("red")} </span>
          <span class="figure red"><Moving value={red.kills} /></span>
        </p>
        {side("red", red)}
      </div>}
      <p class="hero-state">
        <PhaseBadge phase={state.state} remake={state.remake}
          winner={state.winner} />
        {state.gameTime != null && state.state !== "aborted" && <>
          <span class="visually-hidden">{t("gameClock")} </span>
          <time class="hero-clock clock">{clock(state.gameTime)}</time>
        </>}
        {state.state === "live" && <Trust state={state} />}
      </p>
      {state.state !== "aborted" && <ul class="objectives">
        {objectives.map(([name, label]) => (
          <li key={name}>
            <span class="objective-name">{t(label)}</span>
            <span class="figure blue">
              <span class="visually-hidden">{t("blue")} </span>
              <Moving value={blue[name]} />
            </span>
            <span class="versus" aria-hidden="true">:</span>
            <span class="figure red">
              <span class="visually-hidden">{t("red")} </span>
              <Moving value={red[name]} />
            </span>
          </li>
        ))}
      </ul>}
    </header>
  );
}

function sourceName({ t }: Texts, state: MatchState): string {
  const key = sources.get(state.source ?? "");
  return key === undefined ? state.source ?? "" : t(key);
}

/** Where live facts come from and how far to trust them. */
function Trust({ state }: { state: MatchState }) {
  const texts = useTexts();
  const name = sourceName(texts, state);
  const { confidence } = state;
  if (!name && confidence == null)
    return null;
  return (
    <span class="trust muted">
      {name}
      {confidence != null && <>
        {name && " · "}
        {texts.t("confidence")} {texts.percent(confidence)}
        <meter class="visually-hidden" min={0} max={1} value={confidence}
          aria-label={texts.t("confidence")} />
      </>}
    </span>
  );
}

function Teams({ state }: { state: MatchState }) {
  const { t } = useTexts();
  const [named, setNamed] = useState(false);
  const teams = useMemo(() => {
    const byTeam = new Map<number, ParticipantState[]>();
    for (const participant of state.participants ?? [])
      byTeam.set(participant.teamId,
        [...byTeam.get(participant.teamId) ?? [], participant]);
    return [...byTeam].sort(([one], [other]) => one - other);
  }, [state.participants]);
  return (
    <section class="teams" aria-labelledby="teams-heading">
      <div class="panel-head">
        <h2 id="teams-heading">{t("players")}</h2>
        {teams.length > 0 && <button type="button" class="button small"
          aria-pressed={named} onClick={() => setNamed(!named)}>
          {t("itemNames")}
        </button>}
      </div>
      {teams.length === 0 && <p class="panel muted">{t("noPlayers")}</p>}
      <div class="team-tables">
        {teams.map(([teamId, players]) => (
          <TeamTable key={teamId} teamId={teamId} players={players}
            named={named} bans={state.bans ?? []}
            won={state.state === "finished" && !state.remake
              && state.winner === teamId} />
        ))}
      </div>
    </section>
  );
}

function TeamTable(props: {
  teamId: number;
  players: ParticipantState[];
  bans: Ban[];
  named: boolean;
  won: boolean;
}) {
  const { t, whole } = useTexts();
  const { teamId } = props;
  const color = teamId === 100 ? "blue" : teamId === 200 ? "red" : undefined;
  const name = color === undefined ? String(teamId) : t(`${color}Team`);
  const bans = props.bans
    .filter((ban) => ban.teamId === teamId && ban.championId > 0);
  const figure = (value: Known<number> | undefined) => <Moving value={value}
    {...(value != null && { text: whole(value) })} />;
  return (
    <div class={`panel team ${color ?? ""}`}>
      {/* A region that scrolls sideways must be reachable by keyboard. */}
      <div class="scrolls" tabIndex={0} role="group"
        aria-label={t("scrolls", { team: name })}>
        <table>
          <caption>
            {color && <TeamSign team={color} />}
            {name}
            {props.won && <span class={`badge ${color ?? ""}`}>{t("victory")}</span>}
          </caption>
          <thead>
            <tr>
              <th scope="col">{t("champion")}</th>
              <th scope="col" class="number">
                <abbr title={t("kdaLong")}>{t("kda")}</abbr>
              </th>
              <th scope="col" class="number">
                <abbr title={t("level")}>{t("levelShort")}</abbr>
              </th>
              <th scope="col" class="number">
                <abbr title={t("csLong")}>{t("cs")}</abbr>
              </th>
              <th scope="col" class="number">{t("gold")}</th>
              <th scope="col">{t("items")}</th>
            </tr>
          </thead>
          <tbody>
            {props.players.map((player) => {
              const position = positions.get(player.position ?? "");
              return (
                <tr key={player.participantId}>
                  <th scope="row">
                    <span class="champion">
                      {championName(player.championName, player.championId)}
                    </span>
                    {position && <span class="position">{t(position)}</span>}
                  </th>
                  <td class="number kda">
                    {figure(player.kills)}
                    <i>/</i>{figure(player.deaths)}
                    <i>/</i>{figure(player.assists)}
                  </td>
                  <td class="number">{figure(player.level)}</td>
                  <td class="number">{figure(player.creepScore)}</td>
                  <td class="number">{figure(player.gold)}</td>
                  <td><Items ids={player.items} named={props.named} /></td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {bans.length > 0 && <p class="bans muted">
        <strong>{t("bans")}</strong>{" "}
        {bans.map((ban) => championName(ban.championId)).join(", ")}
      </p>}
    </div>
  );
}

function Items(props: { ids: Known<number[]> | undefined; named: boolean }) {
  const { t } = useTexts();
  const held = (props.ids ?? []).filter((id) => id > 0);
  if (held.length === 0)
    return <span class="muted" title={t("noItems")}>–</span>;
  if (props.named)
    return <span class="item-names">{held.map(itemName).join(", ")}</span>;
  return (
    <ul class="items">
      {held.map((id, place) => (
        <li key={place} title={itemName(id)}>
          <span aria-hidden="true">{itemLetters(id)}</span>
          <span class="visually-hidden">{itemName(id)}</span>
        </li>
      ))}
      {Array.from({ length: Math.max(0, 7 - held.length) }, (_, place) =>
        <li key={`free ${place}`} class="free" aria-hidden="true" />)}
    </ul>
  );
}

/** What else is known, for whoever wants to look it up. */
function Facts({ state }: { state: MatchState }) {
  const texts = useTexts();
  const { t, moment } = texts;
  const name = sourceName(texts, state);
  const facts: [TextKey, string][] = [["matchId", state.matchId]];
  if (state.startedAt)
    facts.push(["started", moment(state.startedAt)]);
  if (state.gameVersion)
    facts.push(["patch", state.gameVersion.split(".").slice(0, 2).join(".")]);
  if (name && state.state !== "live")
    facts.push(["source", name]);
  return (
    <dl class="facts">
      {facts.map(([label, value]) => (
        <div key={label}><dt>{t(label)}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}
