import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import {
  allMatches, Feed, type Refusal, type Status, type Subscription,
} from "../../client/feed.ts";

/** What a view shows of one channel: the last state, however old. */
export interface Shown<State> {
  state: State | undefined;
  /** When the last frame came, ms of Date.now(). */
  at: number | undefined;
  refusal: Refusal | undefined;
  /** When updates were skipped, if they were. */
  skippedAt: number | undefined;
}

const nothing: Shown<never> = {
  state: undefined, at: undefined, refusal: undefined, skippedAt: undefined,
};

/** How many matches that nobody looks at keep their last state, so that going
 * back to one shows it at once and resumes. */
const keptMax = 12;

/** One channel of the feed with its last state. */
class Channel {
  shown: Shown<object> = nothing;
  private cursor: string | undefined;
  private subscription: Subscription | undefined;
  private frame: number | undefined;
  private readonly watchers = new Set<() => void>();

  constructor(private readonly feed: Feed, private readonly match: string) {}

  get watched(): boolean {
    return this.watchers.size > 0;
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    if (this.subscription === undefined)
      this.open();
    return () => {
      this.watchers.delete(watcher);
      if (!this.watched)
        this.pause();
    };
  }

  /** Starts again with a snapshot; what is shown stays until it comes. */
  restart(): void {
    this.pause();
    this.cursor = undefined;
    this.show({ refusal: undefined, skippedAt: undefined });
    if (this.watched)
      this.open();
  }

  /** Forgets that something was skipped. */
  dismiss(): void {
    this.show({ skippedAt: undefined });
  }

  private open(): void {
    const { state } = this.shown;
    this.shown = { ...this.shown, refusal: undefined };
    this.subscription = this.feed.subscribe<object>(this.match,
      this.cursor !== undefined && state !== undefined
        ? { cursor: this.cursor, state } : {},
      {
        state: (next) => this.show(
          { state: next, at: Date.now(), refusal: undefined }),
        gap: () => this.show({ skippedAt: Date.now() }),
        error: (refusal) => {
          // Lines of the list are states: a new list misses nothing.
          if (refusal.retry === "fresh" && this.match === allMatches)
            this.restart();
          else
            this.show({ refusal });
        },
      });
  }

  private pause(): void {
    this.cursor = this.subscription?.cursor ?? this.cursor;
    this.subscription?.close();
    this.subscription = undefined;
  }

  /** Tells the watchers at most once a screen frame, however many updates
   * come in between. */
  private show(change: Partial<Shown<object>>): void {
    this.shown = { ...this.shown, ...change };
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      for (const watcher of this.watchers)
        watcher();
    });
  }
}

export class Store {
  readonly feed: Feed;
  private readonly channels = new Map<string, Channel>();

  constructor(url: string) {
    this.feed = new Feed(url);
  }

  channel(match: string): Channel {
    const channel = this.channels.get(match) ?? new Channel(this.feed, match);
    // The latest stands last.
    this.channels.delete(match);
    this.channels.set(match, channel);
    for (const [name, old] of this.channels) {
      if (this.channels.size <= keptMax)
        break;
      if (!old.watched && name !== match)
        this.channels.delete(name);
    }
    return channel;
  }
}

export const StoreContext = createContext<Store | undefined>(undefined);

function useStore(): Store {
  const store = useContext(StoreContext);
  if (store === undefined)
    throw new Error("no store around this component");
  return store;
}

/** Follows a channel while the component is there. */
export function useChannel<State extends object>(match: string):
  Shown<State> & { restart(): void; dismiss(): void } {
  const channel = useStore().channel(match);
  const [, draw] = useState(0);
  useEffect(() => channel.watch(() => draw((count) => count + 1)), [channel]);
  return {
    ...(channel.shown as Shown<State>),
    restart: () => channel.restart(),
    dismiss: () => channel.dismiss(),
  };
}

export function useStatus(): Status & { reconnect(): void } {
  const { feed } = useStore();
  const [status, setStatus] = useState(feed.status);
  useEffect(() => {
    const follow = (): void => setStatus(feed.status);
    follow();
    feed.addEventListener("status", follow);
    return () => feed.removeEventListener("status", follow);
  }, [feed]);
  return { ...status, reconnect: () => feed.reconnect() };
}

/** Where the node that served this page has its feed. */
export function feedAddress(): string {
  const address = new URL("/v1/feed", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.hash = "";
  return address.href;
}
