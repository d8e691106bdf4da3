/**
 * The frames of `WS /v1/feed` in the subprotocol `herald.v1.json`, and the two
 * states that they carry: the list of matches and one match. What a source
 * cannot know is null or absent, so readers check before they use it.
 */

/** The subprotocol that this client speaks: one JSON object a text frame. */
export const subprotocol = "herald.v1.json";

/** The name under which the list of all matches is subscribed to. */
export const allMatches = "*";

/** A value, or null where the source does not tell. */
export type Known<Value> = Value | null;

/** "unknown": only a part of the facts, such as the timeline, is here yet. */
export type MatchPhase = "live" | "finished" | "aborted" | "unknown";

/** One line of the list of matches. */
export interface MatchSummary {
  matchId: string;
  state: MatchPhase;
  platformId?: Known<string>;
  queueId?: Known<number>;
  gameMode?: Known<string>;
  /** Unix time in ms; 0 while the game loads. */
  startedAt?: Known<number>;
  /** Seconds of game time. */
  gameTime?: Known<number>;
  /** Unix time in ms of the event that this line was made from. */
  updatedAt?: Known<number>;
  /** 100 or 200; 0 while nobody has won. */
  winner?: Known<number>;
  remake?: Known<boolean>;
  source?: Known<string>;
  confidence?: Known<number>;
  blueKills?: Known<number>;
  redKills?: Known<number>;
  /** Gold of blue less gold of red. */
  goldDifference?: Known<number>;
  /** Words for champions, or their ids where the source gives no more. */
  champions?: { blue?: (string | number)[]; red?: (string | number)[] };
}

export interface MatchList {
  matches: MatchSummary[];
}

export interface TeamState {
  /** 100 for blue, 200 for red. */
  teamId: number;
  kills?: Known<number>;
  towers?: Known<number>;
  inhibitors?: Known<number>;
  dragons?: Known<number>;
  heralds?: Known<number>;
  barons?: Known<number>;
  /** Void grubs. */
  horde?: Known<number>;
  gold?: Known<number>;
}

export interface ParticipantState {
  participantId: number;
  teamId: number;
  championId?: Known<number>;
  championName?: Known<string>;
  position?: Known<string>;
  kills?: Known<number>;
  deaths?: Known<number>;
  assists?: Known<number>;
  level?: Known<number>;
  creepScore?: Known<number>;
  gold?: Known<number>;
  items?: Known<number[]>;
  playerId?: Known<string>;
  dead?: Known<boolean>;
}

export interface Ban {
  teamId: number;
  /** -1 for none. */
  championId: number;
  pickTurn: number;
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
   * "atakhan", "monster", "ace", "start", "end", or a word of a newer node. */
  kind: string;
  /** The team that gains; 0 for none. */
  teamId?: Known<number>;
  /** Participants; 0 for none of them. */
  killerId?: Known<number>;
  victimId?: Known<number>;
  assistIds?: Known<number[]>;
  /** What kind of dragon, which tower. */
  detail?: Known<string>;
}

/** All that is known about one match. */
export interface MatchState {
  matchId: string;
  state: MatchPhase;
  platformId?: Known<string>;
  queueId?: Known<number>;
  gameMode?: Known<string>;
  gameVersion?: Known<string>;
  mapId?: Known<number>;
  startedAt?: Known<number>;
  gameTime?: Known<number>;
  updatedAt?: Known<number>;
  /** "spectator-v5", "live-client", "match-v5" or "file". */
  source?: Known<string>;
  /** From 0 to 1; how far the source is to be trusted. */
  confidence?: Known<number>;
  winner?: Known<number>;
  remake?: Known<boolean>;
  /** 1, or more where the document was corrected later. */
  revision?: Known<number>;
  /** Whether the timeline is here, so that gold and feed are exact. */
  timeline?: Known<boolean>;
  teams?: TeamState[];
  participants?: ParticipantState[];
  bans?: Ban[];
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
  cursor?: Known<string>;
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
