/**
 * A game that goes on by steps of fifteen seconds, the same each time for the
 * same seed. It keeps its state by itself and says for each step what changed,
 * so that folding the changes can be compared with the state.
 */

const lineup = [
  ["Aatrox", 266, "TOP"], ["LeeSin", 64, "JUNGLE"], ["Ahri", 103, "MIDDLE"],
  ["Jinx", 222, "BOTTOM"], ["Thresh", 412, "UTILITY"],
  ["Darius", 122, "TOP"], ["Vi", 254, "JUNGLE"], ["Syndra", 134, "MIDDLE"],
  ["KaiSa", 145, "BOTTOM"], ["Nautilus", 111, "UTILITY"],
  ["Camille", 164, "TOP"], ["MonkeyKing", 62, "JUNGLE"], ["Orianna", 61, "MIDDLE"],
  ["Xayah", 498, "BOTTOM"], ["Lulu", 117, "UTILITY"],
  ["KSante", 897, "TOP"], ["JarvanIV", 59, "JUNGLE"], ["Viktor", 112, "MIDDLE"],
  ["Ezreal", 81, "BOTTOM"], ["Karma", 43, "UTILITY"],
];

const shop = [
  [1055, 450], [1001, 300], [3006, 1100], [6676, 3000], [3031, 3500],
  [3036, 3300], [3071, 3000], [3053, 3200], [6655, 2750], [3089, 3500],
  [3190, 2200], [3068, 2700], [3047, 1200],
];

/** Mulberry32: small, and the same on every machine. */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const stepSeconds = 15;
const epoch = Date.UTC(2025, 5, 14, 18, 0, 0);

export class Game {
  constructor({ matchId, seed, queueId = 420, rosters = 0, startedAt = epoch }) {
    this.random = randomOf(seed);
    const [platformId] = matchId.split("_");
    this.purse = new Map();
    this.state = {
      matchId,
      state: "live",
      platformId,
      queueId,
      gameMode: queueId === 450 ? "ARAM" : "CLASSIC",
      gameVersion: "16.12.602.1234",
      mapId: queueId === 450 ? 12 : 11,
      startedAt,
      gameTime: 0,
      updatedAt: startedAt,
      source: "live-client",
      confidence: 0.9,
      winner: 0,
      remake: false,
      revision: 0,
      timeline: false,
      teams: [100, 200].map((teamId) => ({
        teamId, kills: 0, towers: 0, inhibitors: 0, dragons: 0, heralds: 0,
        barons: 0, horde: 0, gold: 0,
      })),
      bans: [157, 238, 777, 84, 141, 55, 24, 234, 517, -1]
        .map((championId, place) => ({
          teamId: place < 5 ? 100 : 200, championId, pickTurn: place + 1,
        })),
      participants: lineup.slice(rosters * 10, rosters * 10 + 10)
        .map(([championName, championId, position], place) => ({
          participantId: place + 1,
          teamId: place < 5 ? 100 : 200,
          championId,
          championName,
          position,
          kills: 0, deaths: 0, assists: 0, level: 1, creepScore: 0, gold: 0,
          items: [],
          playerId: (0x1234567890ab0000n + BigInt(place)).toString(16),
        })),
      gold: [],
      feed: [{
        t: 0, kind: "start", teamId: 0, killerId: 0, victimId: 0,
        assistIds: [], detail: "",
      }],
    };
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  /** Plays one step; the patch tells what changed. */
  step() {
    const { state } = this;
    state.gameTime += stepSeconds;
    state.updatedAt = state.startedAt + state.gameTime * 1000;
    const t = state.gameTime;
    const news = [];
    for (const player of state.participants) {
      const lane = player.position === "UTILITY" ? 0.15 : 0.75;
      if (this.random() < lane)
        player.creepScore += 2;
      player.level = Math.min(18, 1 + Math.floor(t / 95));
      this.earn(player, 60 + Math.floor(this.random() * 60));
    }
    if (t > 90 && this.random() < 0.4)
      news.push(this.kill(t));
    if (t > 240 && this.random() < 0.12)
      news.push(this.objective(t));
    state.feed.push(...news);
    const [blue, red] = state.teams;
    for (const team of state.teams)
      team.gold = state.participants
        .filter((player) => player.teamId === team.teamId)
        .reduce((sum, player) => sum + player.gold, 0);
    const point = { t, difference: blue.gold - red.gold, basis: "items" };
    state.gold.push(point);
    return structuredClone({
      set: {
        gameTime: state.gameTime,
        updatedAt: state.updatedAt,
        teams: state.teams,
        participants: state.participants,
      },
      append: { gold: [point], ...(news.length > 0 && { feed: news }) },
    });
  }

  /** Gold becomes visible when it is spent. */
  earn(player, amount) {
    const purse = (this.purse.get(player.participantId) ?? 500) + amount;
    this.purse.set(player.participantId, purse);
    const [item, price] = this.pick(shop);
    if (price <= purse && player.items.length < 6
      && !player.items.includes(item)) {
      player.items.push(item);
      player.gold += price;
      this.purse.set(player.participantId, purse - price);
    }
  }

  kill(t) {
    const { participants, teams } = this.state;
    const killer = this.pick(participants);
    const victim = this.pick(
      participants.filter((other) => other.teamId !== killer.teamId));
    const helpers = participants.filter((other) => other !== killer
      && other.teamId === killer.teamId && this.random() < 0.3);
    killer.kills += 1;
    victim.deaths += 1;
    for (const helper of helpers)
      helper.assists += 1;
    teams.find((team) => team.teamId === killer.teamId).kills += 1;
    this.earn(killer, 300);
    return {
      t, kind: "kill", teamId: killer.teamId,
      killerId: killer.participantId, victimId: victim.participantId,
      assistIds: helpers.map((helper) => helper.participantId), detail: "",
    };
  }

  objective(t) {
    const [kind, counter] = this.pick(t < 840
      ? [["horde", "horde"], ["dragon", "dragons"], ["tower", "towers"]]
      : [["tower", "towers"], ["dragon", "dragons"], ["baron", "barons"],
        ["herald", "heralds"], ["inhibitor", "inhibitors"]]);
    const player = this.pick(this.state.participants);
    this.state.teams.find((team) => team.teamId === player.teamId)[counter] += 1;
    return {
      t, kind, teamId: player.teamId, killerId: player.participantId,
      victimId: 0, assistIds: [],
      detail: kind === "dragon"
        ? this.pick(["FIRE_DRAGON", "WATER_DRAGON", "HEXTECH_DRAGON"]) : "",
    };
  }

  /** The end, as match-v5 and the timeline tell it. */
  finish() {
    const { state } = this;
    const [blue, red] = state.teams;
    state.winner = blue.kills >= red.kills ? 100 : 200;
    state.state = "finished";
    state.source = "match-v5";
    state.confidence = 1;
    state.timeline = true;
    const end = {
      t: state.gameTime, kind: "end", teamId: state.winner, killerId: 0,
      victimId: 0, assistIds: [], detail: "",
    };
    state.feed.push(end);
    state.gold = state.gold.filter((point) => point.t % 60 === 0)
      .map((point) => ({ ...point, basis: "timeline" }));
    return structuredClone({
      set: {
        state: state.state, winner: state.winner, source: state.source,
        confidence: state.confidence, timeline: true, gold: state.gold,
      },
      append: { feed: [end] },
    });
  }

  summary() {
    const { state } = this;
    const names = (teamId) => state.participants
      .filter((player) => player.teamId === teamId)
      .map((player) => player.championName ?? player.championId);
    const last = state.gold.at(-1);
    return structuredClone({
      matchId: state.matchId,
      state: state.state,
      platformId: state.platformId,
      queueId: state.queueId,
      gameMode: state.gameMode,
      startedAt: state.startedAt,
      gameTime: state.gameTime,
      updatedAt: state.updatedAt,
      winner: state.winner,
      remake: state.remake,
      blueKills: state.teams[0]?.kills ?? 0,
      redKills: state.teams[1]?.kills ?? 0,
      source: state.source,
      confidence: state.confidence,
      goldDifference: last?.difference ?? null,
      champions: { blue: names(100), red: names(200) },
    });
  }
}

/** The games that a mock node has: three are played, the others are over. */
export function someGames() {
  const game = (matchId, seed, steps, more = {}) => {
    const made = new Game({
      matchId, seed, startedAt: epoch + seed * 60_000, ...more,
    });
    for (let step = 0; step < steps; step += 1)
      made.step();
    return made;
  };
  const close = game("EUW1_7000000001", 61, 52);
  const early = game("KR_7100000002", 52, 18, { rosters: 1, queueId: 440 });
  const spectated = game("NA1_5200000003", 43, 0, { queueId: 450 });
  // What spectator-v5 tells: who plays and for how long.
  Object.assign(spectated.state, {
    source: "spectator-v5", confidence: 0.6, gameTime: 415, feed: [],
    teams: spectated.state.teams.map((team) => ({ ...team, gold: null })),
    participants: spectated.state.participants.map((player) => (
      { ...player, championName: null, position: "", gold: null })),
  });
  spectated.silent = true;
  const done = [
    game("EUW1_6900000010", 31, 118), game("EUN1_3600000011", 22, 96,
      { rosters: 1 }), game("EUW1_6900000012", 17, 140, { queueId: 400 }),
  ];
  for (const finished of done)
    finished.finish();
  const remake = game("EUW1_6900000013", 12, 14);
  remake.finish();
  remake.state.remake = true;
  const aborted = game("BR1_3000000014", 5, 0);
  Object.assign(aborted.state, {
    state: "aborted", participants: [], teams: [], feed: [], gold: [],
    bans: [], platformId: null, queueId: null, gameMode: null, mapId: null,
    gameVersion: null, startedAt: null, gameTime: null, source: "match-v5",
    confidence: 1,
  });
  return [close, early, spectated, ...done, remake, aborted];
}
