/**
 * Follows the live feed of a Herald node.
 *
 *     const feed = new Feed("ws://127.0.0.1:8080/v1/feed");
 *     feed.addEventListener("status", () => console.log(feed.status.phase));
 *     const subscription = feed.subscribe<MatchState>("EUW1_7", {}, {
 *       state: (match) => draw(match),
 *       error: (refusal) => complain(refusal.message),
 *     });
 *     ...
 *     subscription.close();
 *     feed.close();
 *
 * A lost connection is made again by itself, at once when the browser comes
 * back online and otherwise with full jitter, and every subscription goes on
 * from the last cursor that it saw: nothing is missed and nothing comes twice.
 * Where the node cannot go on from there it says so (`gap`) and sends a new
 * snapshot.
 */

import { Backoff } from "./backoff.ts";
import { fold } from "./fold.ts";
import {
  parseFrame, subprotocol, type ErrorFrame, type Frame, type GapFrame,
  type SnapshotFrame, type UpdateFrame,
} from "./frames.ts";
import { mayReconnect, retryOf, type Retry } from "./outcome.ts";

export * from "./frames.ts";
export { fold, MisfitError } from "./fold.ts";
export { mayReconnect, retryOf, type Retry } from "./outcome.ts";

/**
 * - `connecting`: an attempt is under way.
 * - `open`: connected.
 * - `waiting`: the connection is lost; the next attempt is at `retryAt`.
 * - `closed`: over; close() was called or the node refuses us for good.
 */
export type Phase = "connecting" | "open" | "waiting" | "closed";

export interface Status {
  phase: Phase;
  /** When the next attempt starts, in ms of Date.now(); while waiting. */
  retryAt?: number;
  /** How the last connection ended. */
  lost?: { code: number; reason: string };
}

/** Why a subscription ended. */
export interface Refusal {
  code: string;
  message: string;
  /** What the caller can do. With `later` the client repeats the request by
   * itself and the subscription has not ended. */
  retry: Retry;
}

export interface Callbacks<State> {
  /** The state after a snapshot or an update, and the frame that led there.
   * States share what did not change; do not modify them. */
  state(state: State, cause: SnapshotFrame | UpdateFrame): void;
  /** Each update as it came, also when no state is known to fold it into. */
  update?(frame: UpdateFrame): void;
  /** Updates are missing; a snapshot follows. */
  gap?(frame: GapFrame): void;
  error?(refusal: Refusal): void;
}

export interface SubscribeOptions<State> {
  /** Go on after this cursor instead of starting with a snapshot. */
  cursor?: string;
  /** The state that belongs to the cursor; without it updates reach only
   * `update`. */
  state?: State;
  /** Ends the subscription. */
  signal?: AbortSignal;
}

export interface Subscription {
  /** The last cursor seen. */
  readonly cursor: string | undefined;
  readonly closed: boolean;
  /** No callback runs after this. */
  close(): void;
}

type Timer = ReturnType<typeof setTimeout>;

export interface FeedOptions {
  /** Ends everything. */
  signal?: AbortSignal;
  /** Waits between attempts, ms. */
  backoffBase?: number;
  backoffCap?: number;
  /** A connection that held this long, ms, starts the waits anew. */
  stableAfter?: number;
  /** An attempt without an answer is given up after this, ms. */
  connectTimeout?: number;
  /** For tests; the platform's own by default. */
  webSocket?: new (url: string, protocols: string) => WebSocket;
  random?: () => number;
  now?: () => number;
  setTimeout?: (run: () => void, ms: number) => Timer;
  clearTimeout?: (timer: Timer) => void;
  /** Where "online" and "offline" are heard; the window by default. */
  network?: EventTarget;
}

/** A subscription. Every request of it has a new `id`, so that a late frame of
 * an earlier one finds nobody. */
interface Entry {
  id: string | undefined;
  match: string;
  cursor: string | undefined;
  state: object | undefined;
  /** Whether a patch did not fit since the last snapshot that did. */
  misfit: boolean;
  retry: Timer | undefined;
  backoff: Backoff;
  callbacks: Callbacks<never>;
}

/**
 * A connection to the feed of one node, shared by any number of
 * subscriptions. Dispatches `status` when `status` changes.
 */
export class Feed extends EventTarget {
  private socket: WebSocket | undefined;
  private current: Status = { phase: "connecting" };
  private readonly entries = new Set<Entry>();
  private readonly requested = new Map<string, Entry>();
  private readonly backoff: Backoff;
  private lastId = 0;
  private attemptTimer: Timer | undefined;
  private stableTimer: Timer | undefined;
  private wentOffline = false;

  private readonly random: () => number;
  private readonly now: () => number;
  private readonly later: (run: () => void, ms: number) => Timer;
  private readonly cancel: (timer: Timer | undefined) => void;
  private readonly network: EventTarget | undefined;

  constructor(private readonly url: string,
    private readonly options: FeedOptions = {}) {
    super();
    this.random = options.random ?? Math.random;
    this.now = options.now ?? Date.now;
    this.later = options.setTimeout ?? ((run, ms) => setTimeout(run, ms));
    const clear = options.clearTimeout ?? ((timer) => clearTimeout(timer));
    this.cancel = (timer) => {
      if (timer !== undefined)
        clear(timer);
    };
    this.network = options.network
      ?? (typeof window === "undefined" ? undefined : window);
    this.backoff = this.newBackoff();
    this.network?.addEventListener("online", this.online);
    this.network?.addEventListener("offline", this.offline);
    options.signal?.addEventListener("abort", () => this.close(),
      { once: true });
    if (options.signal?.aborted)
      this.close();
    else
      this.connect();
  }

  get status(): Status {
    return this.current;
  }

  /** Follows a match, or the list of matches as "*". */
  subscribe<State extends object>(match: string,
    options: SubscribeOptions<State>,
    callbacks: Callbacks<State>): Subscription {
    const entry: Entry = {
      id: undefined,
      match,
      cursor: options.cursor,
      state: options.state,
      misfit: false,
      retry: undefined,
      backoff: this.newBackoff(),
      callbacks: callbacks as Callbacks<never>,
    };
    this.entries.add(entry);
    const feed = this;
    const subscription: Subscription = {
      get cursor() {
        return entry.cursor;
      },
      get closed() {
        return !feed.entries.has(entry);
      },
      close() {
        feed.end(entry, true);
      },
    };
    options.signal?.addEventListener("abort", () => subscription.close(),
      { once: true });
    if (options.signal?.aborted)
      this.end(entry, false);
    else if (this.current.phase === "open")
      this.request(entry);
    return subscription;
  }

  /** Tries to connect now instead of at `status.retryAt`. */
  reconnect(): void {
    if (this.current.phase === "waiting")
      this.connect();
  }

  /** Ends all subscriptions and the connection. */
  close(): void {
    this.shut({ phase: "closed" });
  }

  private connect(): void {
    this.cancel(this.attemptTimer);
    const lost = this.current.lost;
    this.become({ phase: "connecting", ...(lost && { lost }) });
    const Socket = this.options.webSocket ?? WebSocket;
    const socket = new Socket(this.url, subprotocol);
    this.socket = socket;
    this.attemptTimer = this.later(() => this.drop(1006, "no answer"),
      this.options.connectTimeout ?? 10_000);
    // A socket that was replaced may still speak; it is not listened to.
    socket.onopen = () => {
      if (this.socket === socket)
        this.opened();
    };
    socket.onmessage = (event: MessageEvent) => {
      if (this.socket === socket && typeof event.data === "string")
        this.received(event.data);
    };
    socket.onclose = (event: CloseEvent) => {
      if (this.socket === socket)
        this.lost(event.code, event.reason);
    };
  }

  private opened(): void {
    this.cancel(this.attemptTimer);
    this.stableTimer = this.later(() => this.backoff.reset(),
      this.options.stableAfter ?? 30_000);
    this.become({ phase: "open" });
    for (const entry of [...this.entries])
      this.request(entry);
  }

  /** Gives the connection up without waiting for the other side. */
  private drop(code: number, reason: string): void {
    const socket = this.leave();
    this.lost(code, reason);
    socket?.close();
  }

  /** Stops listening to the socket, and every wait that belongs to it. */
  private leave(): WebSocket | undefined {
    const { socket } = this;
    this.socket = undefined;
    this.cancel(this.stableTimer);
    this.cancel(this.attemptTimer);
    this.requested.clear();
    for (const entry of this.entries)
      this.cancel(entry.retry);
    return socket;
  }

  private lost(code: number, reason: string): void {
    this.leave();
    if (!mayReconnect(code)) {
      this.shut({ phase: "closed", lost: { code, reason } });
      return;
    }
    const wait = this.backoff.next();
    this.attemptTimer = this.later(() => this.connect(), wait);
    this.become({
      phase: "waiting",
      retryAt: this.now() + wait,
      lost: { code, reason },
    });
  }

  private shut(status: Status): void {
    if (this.current.phase === "closed")
      return;
    const socket = this.leave();
    this.network?.removeEventListener("online", this.online);
    this.network?.removeEventListener("offline", this.offline);
    for (const entry of [...this.entries])
      this.end(entry, false);
    socket?.close(1000);
    this.become(status);
  }

  private readonly online = (): void => {
    this.backoff.reset();
    if (this.current.phase === "waiting") {
      this.connect();
    } else if (this.wentOffline && this.current.phase !== "closed") {
      // The old connection may hang on a network that is gone; going on from
      // the cursor on a new one is cheap.
      this.leave()?.close();
      this.connect();
    }
    this.wentOffline = false;
  };

  // Not a reason to disconnect: a node on this machine is still there.
  private readonly offline = (): void => {
    this.wentOffline = true;
  };

  private received(text: string): void {
    const frame = parseFrame(text);
    if (frame === undefined)
      return;
    const entry = frame.id === undefined
      ? undefined : this.requested.get(frame.id);
    if (entry !== undefined)
      this.deliver(entry, frame);
  }

  private deliver(entry: Entry, frame: Frame): void {
    switch (frame.type) {
      case "snapshot":
        this.progress(entry, frame.cursor);
        entry.state = frame.state;
        this.report(entry, frame);
        break;
      case "update":
        this.update(entry, frame);
        break;
      case "gap":
        entry.callbacks.gap?.(frame);
        break;
      case "error":
        this.refused(entry, frame);
        break;
    }
  }

  private update(entry: Entry, frame: UpdateFrame): void {
    let next: object | undefined;
    try {
      next = entry.state && fold(entry.state, frame.patch);
    } catch {
      // The state is not what the node believes it to be: start over, once.
      const again = !entry.misfit;
      entry.misfit = true;
      if (again) {
        this.send({ type: "unsubscribe", id: entry.id });
        entry.cursor = undefined;
        this.request(entry);
      } else {
        this.refused(entry, {
          type: "error",
          code: "misfit",
          message: "an update does not fit the state before it",
        });
      }
      return;
    }
    this.progress(entry, frame.cursor);
    entry.misfit = false;
    entry.state = next;
    entry.callbacks.update?.(frame);
    if (next !== undefined)
      this.report(entry, frame);
  }

  private progress(entry: Entry, cursor: string): void {
    entry.cursor = cursor;
    entry.backoff.reset();
  }

  private report(entry: Entry, cause: SnapshotFrame | UpdateFrame): void {
    // `update` may have closed the subscription.
    if (this.entries.has(entry))
      entry.callbacks.state(entry.state as never, cause);
  }

  private refused(entry: Entry, frame: ErrorFrame): void {
    const retry = retryOf(frame.code);
    if (retry === "later")
      entry.retry = this.later(() => this.request(entry),
        entry.backoff.next());
    else
      this.end(entry, false);
    entry.callbacks.error?.(
      { code: frame.code, message: frame.message, retry });
  }

  /** Asks for a subscription under a new id. */
  private request(entry: Entry): void {
    this.forget(entry);
    this.lastId += 1;
    const id = String(this.lastId);
    entry.id = id;
    this.requested.set(id, entry);
    const { match, cursor } = entry;
    this.send({
      type: "subscribe", id, match, ...(cursor !== undefined && { cursor }),
    });
  }

  private end(entry: Entry, tell: boolean): void {
    if (!this.entries.delete(entry))
      return;
    this.cancel(entry.retry);
    if (this.forget(entry) && tell)
      this.send({ type: "unsubscribe", id: entry.id });
  }

  /** What still comes under the id of the last request is not heard. */
  private forget(entry: Entry): boolean {
    return entry.id !== undefined && this.requested.delete(entry.id);
  }

  private send(frame: object): void {
    if (this.current.phase === "open")
      this.socket?.send(JSON.stringify(frame));
  }

  private newBackoff(): Backoff {
    return new Backoff({
      base: this.options.backoffBase ?? 500,
      cap: this.options.backoffCap ?? 20_000,
    }, this.random);
  }

  private become(status: Status): void {
    this.current = status;
    this.dispatchEvent(new Event("status"));
  }
}
