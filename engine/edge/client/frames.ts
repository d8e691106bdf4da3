/**
 * The frames of `WS /v1/feed` in the subprotocol `herald.v1.json`, and the two
 * states that they carry: the list of matches and one match. Members that a
 * source cannot know are absent, so readers check before they use one.
 */

/** The subprotocol that this client speaks: one JSON object a text frame. */
export const subprotocol = "herald.v1.json";

/** The name under which the list of all matches is subscribed to. */
export const allMatches = "*";

export type TeamId = 100 | 200;

export type MatchPhase = "live" | "finished" | "aborted";

/** One line of the list of matches. */
export interface MatchSummary {
  matchId: string;
  state: MatchPhase;
  platformId?: string;
  queueId?: number;
  gameMode?: string;
  /** Unix time in ms. */
  startedAt?: number;
  /** Seconds of game time. */
  gameTime?: number;
  /** Unix time in ms of the event that this line was made from. */
  updatedAt?: number;
  /** 100 or 200; 0 or absent while nobody has won. */
  winner?: number;
  remake?: boolean;
  blueKills?: number;
  redKills?: number;
  /** Gold of blue less gold of red. */
  goldDifference?: number;
  champions?: { blue?: string[]; red?: string[] };
}

export interface MatchList {
  matches: MatchSummary[];
}

export interface TeamState {
  teamId: number;
  kills?: number;
  towers?: number;
  inhibitors?: number;
  dragons?: number;
  heralds?: number;
  barons?: number;
  /** Void grubs. */
  horde?: number;
  gold?: number;
  bans?: number[];
}

export interface ParticipantState {
  participantId: number;
  teamId: number;
  championId?: number;
  championName?: string;
  position?: string;
  kills?: number;
  deaths?: number;
  assists?: number;
  level?: number;
  creepScore?: number;
  gold?: number;
  items?: number[];
  playerId?: string;
}

/** What a gold difference was counted from: the price of the items that the
 * teams hold (all that a running game shows), or the game's own timeline. */
export type GoldBasis = "items" | "timeline";

export interface GoldPoint {
  /** Seconds of game time. */
  t: number;
  /** Gold of blue less gold of red. */
  difference: number;
  basis: GoldBasis;
}

export interface FeedEntry {
  /** Seconds of game time. */
  t: number;
  /** "kill", "tower", "inhibitor", "dragon", "herald", "baron", "horde",
   * "start", "end" or another word of a newer node. */
  kind: string;
  teamId?: number;
  killerId?: number;
  victimId?: number;
  assistIds?: number[];
  detail?: string;
}

/** All that is known about one match. */
export interface MatchState {
  matchId: string;
  state: MatchPhase;
  platformId?: string;
  queueId?: number;
  gameMode?: string;
  gameVersion?: string;
  mapId?: number;
  startedAt?: number;
  gameTime?: number;
  updatedAt?: number;
  sources?: string[];
  /** From 0 to 1; how far the sources are to be trusted. */
  confidence?: number;
  winner?: number;
  remake?: boolean;
  teams?: TeamState[];
  participants?: ParticipantState[];
  gold?: GoldPoint[];
  feed?: FeedEntry[];
}

/** A change to a state, see fold(). */
export interface Patch {
  /** Members to replace. */
  set?: Record<string, unknown>;
  /** Lists to extend at their end. */
  append?: Record<string, unknown[]>;
  /** Lists of objects with a `matchId`: replace the one with the same id, or
   * add it at the end. */
  upsert?: Record<string, { matchId: string }[]>;
}

export interface SnapshotFrame {
  type: "snapshot";
  id: string;
  match: string;
  cursor: string;
  state: Record<string, unknown>;
}

export interface UpdateFrame {
  type: "update";
  id: string;
  match: string;
  cursor: string;
  /** The event's type, such as "match.live.updated". */
  event?: string;
  /** When it was recorded, Unix time in ms. */
  time?: number;
  patch: Patch;
}

/** Updates are missing from here on; a snapshot follows. */
export interface GapFrame {
  type: "gap";
  id: string;
  match: string;
  cursor?: string;
  reason?: string;
}

/** The subscription `id` has ended, or, without id, a frame of ours was no
 * good. */
export interface ErrorFrame {
  type: "error";
  id?: string;
  cursor?: string;
  code: string;
  message: string;
}

export type Frame = SnapshotFrame | UpdateFrame | GapFrame | ErrorFrame;

/** Reads a frame; undefined when it is none (a newer type, or not JSON). */
export function parseFrame(text: string): Frame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null)
    return undefined;
  const frame = value as Partial<Frame>;
  switch (frame.type) {
    case "snapshot":
      return isText(frame.id) && isText(frame.cursor) && isObject(frame.state)
        ? (frame as SnapshotFrame) : undefined;
    case "update":
      return isText(frame.id) && isText(frame.cursor) && isObject(frame.patch)
        ? (frame as UpdateFrame) : undefined;
    case "gap":
      return isText(frame.id) ? (frame as GapFrame) : undefined;
    case "error":
      return isText(frame.code) ? (frame as ErrorFrame) : undefined;
    default:
      return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
