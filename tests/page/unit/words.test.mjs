import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./bundle.mjs";

const { championName } = await load("page/src/names/champions.ts");
const { itemName, itemLetters } = await load("page/src/names/items.ts");
const { gameName, platformName } = await load("page/src/names/games.ts");
const { textsOf, clock } = await load("page/src/text.ts");
const { routeOf, addressOf } = await load("page/src/route.ts");

test("champions are called as people call them", () => {
  assert.equal(championName("MonkeyKing"), "Wukong");
  assert.equal(championName("LeeSin"), "Lee Sin");
  assert.equal(championName("FiddleSticks"), "Fiddlesticks");
  assert.equal(championName(null, 64), "Lee Sin");
  assert.equal(championName(64), "Lee Sin");
  assert.equal(championName("Newcomer"), "Newcomer");
  assert.equal(championName(undefined, 99_999), "#99999");
  assert.equal(championName(null, null), "?");
});

test("items have a name and letters, or their id", () => {
  assert.equal(itemName(3031), "Infinity Edge");
  assert.equal(itemLetters(3031), "IE");
  assert.equal(itemLetters(1001), "Bo");
  assert.equal(itemLetters(1055), "DB");
  assert.equal(itemName(999_999), "#999999");
});

test("games are named by queue, or else by mode", () => {
  assert.equal(gameName("fr", { queueId: 440 }), "Classée Flexible");
  assert.equal(gameName("en", { queueId: null, gameMode: "CHERRY" }), "Arena");
  assert.equal(gameName("en", { queueId: 12_345 }), "#12345");
  assert.equal(gameName("en", {}), "");
  assert.equal(platformName("EUW1"), "EUW");
});

test("game time reads as a clock", () => {
  assert.equal(clock(0), "0:00");
  assert.equal(clock(59.9), "0:59");
  assert.equal(clock(754), "12:34");
  assert.equal(clock(3_661), "1:01:01");
  assert.equal(clock(-3), "0:00");
});

test("both languages fill in what they are given", () => {
  assert.equal(textsOf("en").t("killed", { killer: "A", victim: "B" }),
    "A killed B");
  assert.equal(textsOf("fr").t("killed", { killer: "A", victim: "B" }),
    "A a éliminé B");
});

test("addresses lead to a view and back", () => {
  assert.deepEqual(routeOf(""), { view: "list" });
  assert.deepEqual(routeOf("#/"), { view: "list" });
  assert.deepEqual(routeOf("#/match/EUW1_1"), { view: "match", match: "EUW1_1" });
  assert.deepEqual(routeOf(addressOf("a/b %")), { view: "match", match: "a/b %" });
  assert.deepEqual(routeOf("#/match/%E0%A4%A"), { view: "unknown" });
  assert.deepEqual(routeOf("#/nothing"), { view: "unknown" });
});
