import type { Known, MatchSummary } from "../../../client/feed.ts";
import type { Language } from "../text.ts";

type Names = Record<number, { en: string; fr: string }>;

const bots = { en: "Co-op vs. AI", fr: "Coop contre IA" };
const arena = { en: "Arena", fr: "Arène" };
const swarm = { en: "Swarm", fr: "Swarm" };
const tutorial = { en: "Tutorial", fr: "Tutoriel" };
const urf = { en: "URF", fr: "URF" };

const queues: Names = {
  0: { en: "Custom", fr: "Personnalisée" },
  400: { en: "Normal Draft", fr: "Normale Draft" },
  420: { en: "Ranked Solo/Duo", fr: "Classée Solo/Duo" },
  430: { en: "Normal Blind", fr: "Normale à l’aveugle" },
  440: { en: "Ranked Flex", fr: "Classée Flexible" },
  450: { en: "ARAM", fr: "ARAM" },
  480: { en: "Swiftplay", fr: "Swiftplay" },
  490: { en: "Quickplay", fr: "Partie rapide" },
  700: { en: "Clash", fr: "Clash" },
  720: { en: "ARAM Clash", fr: "Clash ARAM" },
  830: bots, 840: bots, 850: bots, 870: bots, 880: bots, 890: bots,
  900: { en: "ARURF", fr: "ARURF" },
  1020: { en: "One for All", fr: "Un pour tous" },
  1300: { en: "Nexus Blitz", fr: "Nexus Blitz" },
  1400: { en: "Ultimate Spellbook", fr: "Livre des sorts ultimes" },
  1700: arena, 1710: arena,
  1810: swarm, 1820: swarm, 1830: swarm, 1840: swarm,
  1900: urf,
  2000: tutorial, 2010: tutorial, 2020: tutorial,
};

const maps: Names = {
  11: { en: "Summoner’s Rift", fr: "Faille de l’invocateur" },
  12: { en: "Howling Abyss", fr: "Abîme hurlant" },
  21: { en: "Nexus Blitz", fr: "Nexus Blitz" },
  30: arena,
  33: swarm,
};

const modes: Record<string, { en: string; fr: string }> = {
  CLASSIC: { en: "Classic", fr: "Classique" },
  ARAM: { en: "ARAM", fr: "ARAM" },
  CHERRY: arena,
  STRAWBERRY: swarm,
  URF: urf,
  PRACTICETOOL: { en: "Practice tool", fr: "Outil d’entraînement" },
};

/** How a game was found or, where the queue is not known, what is played. */
export function gameName(language: Language,
  game: Pick<MatchSummary, "queueId" | "gameMode">): string {
  const { queueId, gameMode } = game;
  const queue = queueId == null ? undefined : queues[queueId];
  if (queue !== undefined)
    return queue[language];
  if (gameMode)
    return modes[gameMode]?.[language] ?? gameMode;
  return queueId == null ? "" : `#${queueId}`;
}

export function mapName(language: Language, mapId: Known<number> | undefined):
  string {
  if (mapId == null)
    return "";
  return maps[mapId]?.[language] ?? `#${mapId}`;
}

/** "EUW" for EUW1. */
export function platformName(platformId: Known<string> | undefined): string {
  return (platformId ?? "").replace(/\d+$/, "");
}
