import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type {
  FeedEntry, Known, MatchState, ParticipantState,
} from "../../client/feed.ts";
import { championName } from "./names/champions.ts";
import { TeamSign } from "./parts.tsx";
import { clock, useTexts, type TextKey, type Texts } from "./text.ts";

type Filter = "all" | "kills" | "objectives";

/** How many events are drawn at first, and with each "earlier". */
const page = 60;

/** Screen readers hear of new kills at most this often, ms: in a fight there
 * would be no end of talking. */
const announceEvery = 2_000;

const things = new Map<string, TextKey>([
  ["tower", "theTower"], ["inhibitor", "theInhibitor"], ["nexus", "theNexus"],
  ["dragon", "theDragon"], ["herald", "theHerald"], ["baron", "theBaron"],
  ["horde", "theGrub"], ["atakhan", "theAtakhan"], ["monster", "theMonster"],
]);

const dragons = new Map<string, TextKey>([
  ["FIRE", "dragonFIRE"], ["WATER", "dragonWATER"], ["EARTH", "dragonEARTH"],
  ["AIR", "dragonAIR"], ["HEXTECH", "dragonHEXTECH"],
  ["CHEMTECH", "dragonCHEMTECH"], ["ELDER", "dragonELDER"],
]);

type Team = "blue" | "red" | undefined;

function teamOf(entry: FeedEntry, players: Map<number, ParticipantState>): Team {
  const id = entry.teamId || players.get(entry.killerId ?? 0)?.teamId;
  return id === 100 ? "blue" : id === 200 ? "red" : undefined;
}

/** An event in a sentence, as an eye or an ear takes it. */
function sentence({ t, list }: Texts, entry: FeedEntry,
  players: Map<number, ParticipantState>): { text: string; help?: string } {
  const name = (id: Known<number> | undefined): string | undefined => {
    const player = players.get(id ?? 0);
    return player && championName(player.championName, player.championId);
  };
  const team = teamOf(entry, players);
  const helpers = (entry.assistIds ?? []).map(name)
    .filter((helper) => helper !== undefined);
  const help = helpers.length > 0
    ? { help: t("assisted", { names: list(helpers) }) } : {};
  if (entry.kind === "kill") {
    const killer = name(entry.killerId);
    const victim = name(entry.victimId);
    if (victim === undefined)
      return { text: t("slain", { killer: killer ?? t("somebody") }), ...help };
    return {
      text: killer === undefined
        ? t("executed", { victim }) : t("killed", { killer, victim }),
      ...help,
    };
  }
  if (entry.kind === "start")
    return { text: t("gameStarted") };
  if (entry.kind === "end")
    return {
      text: team ? t("gameEndedWon", { who: t(team) }) : t("gameEnded"),
    };
  if (entry.kind === "ace")
    return { text: t("ace", { who: team ? t(team) : t("somebody") }) };
  const who = name(entry.killerId) ?? (team ? t(team) : t("nobody"));
  const dragon = entry.kind === "dragon"
    ? dragons.get((entry.detail ?? "").toUpperCase().replace(/_?DRAGON$/, ""))
    : undefined;
  const thing = dragon ?? things.get(entry.kind);
  const what = thing ? t(thing)
    : (entry.detail || entry.kind).replaceAll("_", " ").toLowerCase();
  const destroyed = /^(tower|inhibitor|nexus)$/.test(entry.kind);
  return { text: t(destroyed ? "destroyed" : "took", { who, what }), ...help };
}

/** What happened, newest first. */
export function Events({ state }: { state: MatchState }) {
  const texts = useTexts();
  const { t } = texts;
  const [filter, setFilter] = useState<Filter>("all");
  const [most, setMost] = useState(page);
  const players = useMemo(() => new Map((state.participants ?? [])
    .map((player) => [player.participantId, player] as const)),
  [state.participants]);
  const entries = state.feed ?? [];
  const wanted = entries.filter((entry) => filter === "all"
    || (entry.kind === "kill") === (filter === "kills")).reverse();
  return (
    <section class="panel events" aria-labelledby="events-heading">
      <div class="panel-head">
        <h2 id="events-heading">{t("events")}</h2>
        <fieldset class="segments small">
          <legend class="visually-hidden">{t("show")}</legend>
          {(["all", "kills", "objectives"] as const).map((choice) => (
            <label key={choice}>
              <input type="radio" name="events" value={choice}
                checked={filter === choice}
                onChange={() => setFilter(choice)} />
              <span>{t(choice)}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <Announcer state={state} players={players} />
      {wanted.length === 0
        ? <p class="muted">{t("noEvents")}</p>
        : <div class="event-scroll" tabIndex={0} role="group"
          aria-label={t("events")}>
          <ol class="event-list" reversed>
            {wanted.slice(0, most).map((entry, place) => {
              const { text, help } = sentence(texts, entry, players);
              const team = teamOf(entry, players);
              return (
                <li key={wanted.length - place}
                  class={`event ${entry.kind === "kill" ? "kill" : "objective"}`}>
                  <time class="clock">{clock(entry.t)}</time>
                  {team ? <TeamSign team={team} /> : <span class="no-sign" />}
                  <p>
                    {team && <span class="visually-hidden">{t(team)}: </span>}
                    {text}
                    {help && <span class="muted"> {help}</span>}
                  </p>
                </li>
              );
            })}
          </ol>
          {wanted.length > most && <button type="button" class="button more"
            onClick={() => setMost(most + page)}>
            {t("earlier", { count: Math.min(page, wanted.length - most) })}
          </button>}
        </div>}
    </section>
  );
}

/** Tells screen readers politely of what is new. */
function Announcer(props: {
  state: MatchState;
  players: Map<number, ParticipantState>;
}) {
  const texts = useTexts();
  const [said, setSaid] = useState("");
  const latest = useRef(props);
  latest.current = props;
  // What was there when the page opened is not news.
  const heard = useRef(props.state.feed?.length ?? 0);
  const speak = useRef<() => void>();
  speak.current = () => {
    const { state, players } = latest.current;
    const entries = state.feed ?? [];
    const news = entries.slice(heard.current, heard.current + 20);
    heard.current = entries.length;
    if (news.length === 0)
      return;
    const score = (teamId: number): number =>
      state.teams?.find((team) => team.teamId === teamId)?.kills ?? 0;
    setSaid([
      ...news.slice(-3).map((entry) => `${sentence(texts, entry, players).text}.`),
      texts.t("announceScore", { blue: score(100), red: score(200) }),
    ].join(" "));
  };
  useEffect(() => {
    const timer = setInterval(() => speak.current?.(), announceEvery);
    return () => clearInterval(timer);
  }, []);
  return <p class="visually-hidden announcer" aria-live="polite">{said}</p>;
}
