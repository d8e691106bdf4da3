import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./bundle.mjs";

const { Feed, retryOf, mayReconnect } = await load("client/feed.ts");
const { Backoff } = await load("client/backoff.ts");

/** A feed whose sockets, clock and network are in the hands of the test. */
function fixture(options = {}) {
  const sockets = [];
  const timers = new Set();
  const network = new EventTarget();
  let now = 0;
  class Socket {
    constructor(url, protocol) {
      Object.assign(this, { url, protocol, sent: [], closed: false });
      sockets.push(this);
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close() {
      this.closed = true;
    }
    // What the other side does:
    open() {
      this.onopen();
    }
    say(frame) {
      this.onmessage({ data: JSON.stringify(frame) });
    }
    end(code = 1006, reason = "") {
      this.onclose({ code, reason });
    }
  }
  const feed = new Feed("ws://node/v1/feed", {
    webSocket: Socket,
    random: () => 1,
    now: () => now,
    setTimeout: (run, ms) => {
      const timer = { run, at: now + ms };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => timers.delete(timer),
    network,
    ...options,
  });
  return {
    feed, sockets, network,
    get last() {
      return sockets[sockets.length - 1];
    },
    /** Lets time pass. */
    pass(ms) {
      const until = now + ms;
      for (;;) {
        const [next] = [...timers].filter((timer) => timer.at <= until)
          .sort((one, other) => one.at - other.at);
        if (next === undefined)
          break;
        timers.delete(next);
        now = next.at;
        next.run();
      }
      now = until;
    },
    timers,
    /** Subscribes and writes down what happens. */
    follow(match = "EUW1_1", options = {}) {
      const heard = [];
      const subscription = feed.subscribe(match, options, {
        state: (state) => heard.push(["state", state]),
        update: (frame) => heard.push(["update", frame.cursor]),
        gap: (frame) => heard.push(["gap", frame.reason]),
        error: (refusal) => heard.push(["error", refusal]),
      });
      return { heard, subscription };
    },
  };
}

const snapshot = (id, cursor, state, match = "EUW1_1") =>
  ({ type: "snapshot", id, match, cursor, state });
const update = (id, cursor, patch, match = "EUW1_1") =>
  ({ type: "update", id, match, cursor, event: "match.live.updated", patch });

test("the client asks for the JSON subprotocol and subscribes once connected", () => {
  const { last, follow } = fixture();
  follow();
  assert.equal(last.protocol, "herald.v1.json");
  assert.deepEqual(last.sent, []);
  last.open();
  assert.deepEqual(last.sent,
    [{ type: "subscribe", id: "1", match: "EUW1_1" }]);
});

test("updates are folded into their snapshot and move the cursor", () => {
  const { last, follow } = fixture();
  const { heard, subscription } = follow();
  last.open();
  last.say(snapshot("1", "c1", { kills: 0, feed: [] }));
  last.say(update("1", "c2", { set: { kills: 1 }, append: { feed: ["a"] } }));
  assert.deepEqual(heard, [
    ["state", { kills: 0, feed: [] }],
    ["update", "c2"],
    ["state", { kills: 1, feed: ["a"] }],
  ]);
  assert.equal(subscription.cursor, "c2");
});

test("a lost connection is made again and goes on from the last cursor", () => {
  const it = fixture();
  const { heard } = it.follow();
  it.last.open();
  it.last.say(snapshot("1", "c1", { feed: [] }));
  it.last.say(update("1", "c2", { append: { feed: ["a"] } }));
  it.last.end();
  assert.equal(it.feed.status.phase, "waiting");
  assert.equal(it.feed.status.retryAt, 500);
  it.pass(500);
  assert.equal(it.sockets.length, 2);
  it.last.open();
  assert.deepEqual(it.last.sent,
    [{ type: "subscribe", id: "2", match: "EUW1_1", cursor: "c2" }]);
  it.last.say(update("2", "c3", { append: { feed: ["b"] } }));
  assert.deepEqual(heard.at(-1), ["state", { feed: ["a", "b"] }]);
});

test("a late frame of the connection before finds nobody", () => {
  const it = fixture();
  const { heard } = it.follow();
  const old = it.last;
  old.open();
  old.say(snapshot("1", "c1", { feed: [] }));
  old.end();
  it.pass(500);
  it.last.open();
  old.say(update("1", "c2", { append: { feed: ["late"] } }));
  it.last.say(update("1", "c2", { append: { feed: ["of another id"] } }));
  assert.equal(heard.length, 1);
});

test("a closed subscription is told to the node and hears nothing more", () => {
  const it = fixture();
  const { heard, subscription } = it.follow();
  it.last.open();
  subscription.close();
  it.last.say(snapshot("1", "c1", {}));
  assert.deepEqual(heard, []);
  assert.deepEqual(it.last.sent.at(-1), { type: "unsubscribe", id: "1" });
  assert.equal(subscription.closed, true);
});

test("an abort signal ends a subscription, and one of the feed ends all", () => {
  const one = new AbortController();
  const all = new AbortController();
  const it = fixture({ signal: all.signal });
  const { subscription } = it.follow("A", { signal: one.signal });
  const other = it.follow("B").subscription;
  it.last.open();
  one.abort();
  assert.equal(subscription.closed, true);
  assert.equal(other.closed, false);
  all.abort();
  assert.equal(other.closed, true);
  assert.equal(it.feed.status.phase, "closed");
  assert.equal(it.last.closed, true);
  assert.equal(it.timers.size, 0);
});

test("a gap is told, and the snapshot after it replaces the state", () => {
  const it = fixture();
  const { heard } = it.follow("EUW1_1", { cursor: "c1", state: { n: 1 } });
  it.last.open();
  it.last.say({ type: "gap", id: "1", match: "EUW1_1", reason: "expired" });
  it.last.say(snapshot("1", "c9", { n: 9 }));
  assert.deepEqual(heard, [["gap", "expired"], ["state", { n: 9 }]]);
});

test("with a cursor but no state, updates come as they are", () => {
  const it = fixture();
  const { heard, subscription } = it.follow("EUW1_1", { cursor: "c1" });
  it.last.open();
  it.last.say(update("1", "c2", { append: { feed: ["a"] } }));
  assert.deepEqual(heard, [["update", "c2"]]);
  assert.equal(subscription.cursor, "c2");
});

test("an unknown match ends the subscription for good", () => {
  const it = fixture();
  const { heard, subscription } = it.follow();
  it.last.open();
  it.last.say({ type: "error", id: "1", cursor: null, code: "match_unknown",
    message: "no event names it" });
  assert.deepEqual(heard, [["error",
    { code: "match_unknown", message: "no event names it", retry: "never" }]]);
  assert.equal(subscription.closed, true);
  it.last.end();
  it.pass(60_000);
  it.last.open();
  assert.deepEqual(it.last.sent, []);
});

test("a refused cursor is the caller's to decide about", () => {
  const it = fixture();
  const { heard, subscription } = it.follow("EUW1_1",
    { cursor: "c1", state: {} });
  it.last.open();
  it.last.say({ type: "error", id: "1", code: "cursor_foreign", message: "" });
  assert.equal(heard[0][1].retry, "fresh");
  assert.equal(subscription.closed, true);
  assert.equal(it.last.sent.length, 1);
});

test("a busy node is asked again with the cursor", () => {
  const it = fixture();
  const { heard, subscription } = it.follow();
  it.last.open();
  it.last.say(snapshot("1", "c1", { n: 1 }));
  it.last.say({ type: "error", id: "1", code: "busy", message: "later" });
  assert.equal(subscription.closed, false);
  assert.equal(heard.at(-1)[1].retry, "later");
  it.pass(500);
  assert.deepEqual(it.last.sent.at(-1),
    { type: "subscribe", id: "2", match: "EUW1_1", cursor: "c1" });
});

test("an update that does not fit is healed by one new snapshot", () => {
  const it = fixture();
  const { heard, subscription } = it.follow();
  it.last.open();
  it.last.say(snapshot("1", "c1", { feed: 7 }));
  it.last.say(update("1", "c2", { append: { feed: ["a"] } }));
  assert.deepEqual(it.last.sent.slice(1), [
    { type: "unsubscribe", id: "1" },
    { type: "subscribe", id: "2", match: "EUW1_1" },
  ]);
  it.last.say(snapshot("2", "c2", { feed: 8 }));
  it.last.say(update("2", "c3", { append: { feed: ["b"] } }));
  assert.equal(heard.at(-1)[1].code, "misfit");
  assert.equal(subscription.closed, true);
});

test("what is no frame is passed over", () => {
  const it = fixture();
  const { heard } = it.follow();
  it.last.open();
  it.last.onmessage({ data: "{" });
  it.last.onmessage({ data: "null" });
  it.last.onmessage({ data: new ArrayBuffer(3) });
  it.last.say({ type: "news of a later version", id: "1" });
  it.last.say({ type: "snapshot", id: "1", cursor: "c", state: [] });
  it.last.say({ type: "error", id: "", code: "bad_frame", message: "" });
  assert.deepEqual(heard, []);
});

test("waits double up to the cap and start anew after a stable connection", () => {
  const it = fixture();
  const waits = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    it.last.end();
    const wait = it.feed.status.retryAt;
    it.pass(0);
    const before = it.sockets.length;
    let passed = 0;
    while (it.sockets.length === before) {
      it.pass(500);
      passed += 500;
    }
    waits.push(passed);
    assert.ok(wait > 0);
  }
  assert.deepEqual(waits,
    [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
  it.last.open();
  it.pass(29_999);
  it.last.end();
  it.pass(20_000);
  it.last.open();
  it.pass(30_000);
  it.last.end();
  const before = it.sockets.length;
  it.pass(500);
  assert.equal(it.sockets.length, before + 1);
});

test("the wait is anywhere between nothing and the bound", () => {
  const draws = [0, 0.5, 0.999];
  const backoff = new Backoff({ base: 500, cap: 20_000 }, () => draws.shift());
  assert.equal(backoff.next(), 0);
  assert.equal(backoff.next(), 500);
  assert.equal(Math.round(backoff.next()), 1998);
});

test("back online, the client connects at once", () => {
  const it = fixture();
  it.last.end();
  it.network.dispatchEvent(new Event("online"));
  assert.equal(it.sockets.length, 2);
  it.pass(60_000);
  assert.ok(it.sockets.length > 2, "the attempt without an answer is given up");
});

test("a connection that outlived a lost network is replaced and resumed", () => {
  const it = fixture();
  it.follow();
  it.last.open();
  it.last.say(snapshot("1", "c1", {}));
  const old = it.last;
  it.network.dispatchEvent(new Event("offline"));
  assert.equal(it.feed.status.phase, "open");
  it.network.dispatchEvent(new Event("online"));
  assert.equal(old.closed, true);
  it.last.open();
  assert.deepEqual(it.last.sent,
    [{ type: "subscribe", id: "2", match: "EUW1_1", cursor: "c1" }]);
});

test("a node that refuses us for good is left alone", () => {
  for (const [code, again] of [[1000, true], [1001, true], [1006, true],
    [1008, false], [1009, false], [1012, true], [1013, true], [4401, false],
    [4403, false], [4408, true], [4429, true]])
    assert.equal(mayReconnect(code), again, String(code));
  const it = fixture();
  const { subscription } = it.follow();
  it.last.open();
  it.last.end(4403, "not yours");
  it.pass(60_000);
  assert.equal(it.sockets.length, 1);
  assert.deepEqual(it.feed.status,
    { phase: "closed", lost: { code: 4403, reason: "not yours" } });
  assert.equal(subscription.closed, true);
});

test("every error code says what to do", () => {
  assert.equal(retryOf("match_unknown"), "never");
  assert.equal(retryOf("too_many_subscriptions"), "never");
  assert.equal(retryOf("cursor_invalid"), "fresh");
  assert.equal(retryOf("cursor_future"), "fresh");
  assert.equal(retryOf("unavailable"), "later");
  assert.equal(retryOf("a code of a later version"), "never");
});

test("status events tell each phase once", () => {
  const it = fixture();
  const phases = [it.feed.status.phase];
  it.feed.addEventListener("status", () => phases.push(it.feed.status.phase));
  it.last.open();
  it.last.end();
  it.pass(500);
  it.last.open();
  it.feed.close();
  assert.deepEqual(phases,
    ["connecting", "open", "waiting", "connecting", "open", "closed"]);
});
