/**
 * What to do when the node says no: about one subscription (error codes) or
 * about the whole connection (WebSocket close codes).
 */

/**
 * - `never`: asking again gives the same answer.
 * - `later`: the same request may work soon; the client repeats it by itself.
 * - `fresh`: the cursor is no good (a restored node, an expired place), and
 *   the subscription works without one. Updates may lie between, so this is
 *   the caller's decision.
 */
export type Retry = "never" | "later" | "fresh";

const passing = new Set(
  ["busy", "unavailable", "timeout", "io", "storage_full", "in_use"]);

/** What an error code of a subscription means. */
export function retryOf(code: string): Retry {
  if (code.startsWith("cursor_"))
    return "fresh";
  return passing.has(code) ? "later" : "never";
}

/** Closings after which the same connection would be refused again: protocol
 * errors, policy, size, a missing token, no permission. Everything else (a
 * restart 1012, overload 1013, a slow reader 4408, a rate limit 4429, a cut
 * line 1006) passes. */
const finalClosings = new Set([1002, 1003, 1007, 1008, 1009, 1010, 4401, 4403]);

export function mayReconnect(closeCode: number): boolean {
  return !finalClosings.has(closeCode);
}
