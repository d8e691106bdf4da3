import type { Patch } from "./frames.ts";

/** The patch was made for another state than this one. */
export class MisfitError extends Error {
  override name = "MisfitError";
}

/**
 * The state after a patch: members of `set` replaced, lists of `append`
 * extended, lists of `upsert` updated by `matchId`, in this order. Folding all
 * updates into their snapshot gives the state that `GET /v1/matches/{id}` shows.
 *
 * The old state stays as it was and shares what did not change with the new
 * one, so that a view can tell by identity what to draw again. Throws
 * MisfitError when the patch extends something that is not a list.
 */
export function fold<State extends object>(state: State, patch: Patch): State {
  const next = { ...state } as Record<string, unknown>;
  for (const [name, value] of Object.entries(patch.set ?? {}))
    next[name] = value;
  for (const [name, more] of Object.entries(patch.append ?? {}))
    next[name] = [...list(next, name), ...checked(more, name)];
  for (const [name, changed] of Object.entries(patch.upsert ?? {}))
    next[name] = upsert(list(next, name), checked(changed, name));
  return next as State;
}

function list(state: Record<string, unknown>, name: string): unknown[] {
  return checked(state[name] ?? [], name);
}

function checked(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value))
    throw new MisfitError(`"${name}" is not a list`);
  return value;
}

function upsert(items: unknown[], changed: unknown[]): unknown[] {
  const next = [...items];
  const places = new Map<unknown, number>();
  items.forEach((item, place) => places.set(key(item), place));
  for (const item of changed) {
    const place = places.get(key(item));
    if (place === undefined) {
      places.set(key(item), next.length);
      next.push(item);
    } else {
      next[place] = item;
    }
  }
  return next;
}

function key(item: unknown): unknown {
  const id = (item as { matchId?: unknown } | null)?.matchId;
  if (typeof id !== "string")
    throw new MisfitError("an item has no matchId");
  return id;
}
