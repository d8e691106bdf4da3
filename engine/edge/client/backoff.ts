/** Bounds of the wait between attempts, in ms. */
export interface BackoffSettings {
  base: number;
  cap: number;
}

/**
 * How long to wait before the next attempt: exponential with full jitter, so
 * that a thousand pages that lost the same node do not come back in step.
 */
export class Backoff {
  private attempts = 0;

  constructor(private readonly settings: BackoffSettings,
    private readonly random: () => number) {}

  /** The wait before the next attempt, from 0 to min(cap, base * 2^n) ms. */
  next(): number {
    const most = Math.min(this.settings.cap,
      this.settings.base * 2 ** Math.min(this.attempts, 30));
    this.attempts += 1;
    return this.random() * most;
  }

  /** Starts from the base again. */
  reset(): void {
    this.attempts = 0;
  }
}
