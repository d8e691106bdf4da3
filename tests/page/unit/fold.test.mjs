import assert from "node:assert/strict";
import test from "node:test";
import { someGames } from "../game.mjs";
import { load } from "./bundle.mjs";

const { fold, MisfitError } = await load("client/fold.ts");

test("set replaces members and leaves the others", () => {
  assert.deepEqual(
    fold({ a: 1, b: [1] }, { set: { a: 2, c: null } }),
    { a: 2, b: [1], c: null });
});

test("append extends a list at its end, also one that was not there", () => {
  assert.deepEqual(
    fold({ gold: [1] }, { append: { gold: [2, 3], feed: [4] } }),
    { gold: [1, 2, 3], feed: [4] });
});

test("append extends what the same patch has set", () => {
  assert.deepEqual(
    fold({ gold: [1] }, { set: { gold: [9] }, append: { gold: [10] } }),
    { gold: [9, 10] });
});

test("upsert replaces by matchId in place and adds what is new", () => {
  const state = { matches: [{ matchId: "A", kills: 1 }, { matchId: "B" }] };
  const patch = {
    set: {},
    upsert: {
      matches: [{ matchId: "C" }, { matchId: "A", kills: 2 },
        { matchId: "C", kills: 3 }],
    },
  };
  assert.deepEqual(fold(state, patch).matches, [
    { matchId: "A", kills: 2 }, { matchId: "B" }, { matchId: "C", kills: 3 },
  ]);
});

test("the state before stays as it was and shares what did not change", () => {
  const before = Object.freeze({
    teams: Object.freeze([1]), gold: Object.freeze([1]),
  });
  const after = fold(before, { append: { gold: [2] } });
  assert.deepEqual(before.gold, [1]);
  assert.equal(after.teams, before.teams);
});

test("an empty patch changes nothing", () => {
  assert.deepEqual(fold({ a: 1 }, {}), { a: 1 });
});

test("a patch that does not fit is refused", () => {
  assert.throws(() => fold({ gold: 7 }, { append: { gold: [1] } }), MisfitError);
  assert.throws(() => fold({}, { append: { gold: 1 } }), MisfitError);
  assert.throws(() => fold({}, { upsert: { matches: [{}] } }), MisfitError);
  assert.throws(() => fold({ matches: [null] },
    { upsert: { matches: [{ matchId: "A" }] } }), MisfitError);
});

test("folding all updates of a game gives the state at its end", () => {
  const [game] = someGames();
  let state = structuredClone(game.state);
  for (let step = 0; step < 100; step += 1)
    state = fold(state, game.step());
  state = fold(state, game.finish());
  assert.deepEqual(state, game.state);
});
