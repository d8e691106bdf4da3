import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import axe from "axe-core";
import { Game } from "../game.mjs";
import { becomes, launch, seen, withPage } from "./support.mjs";

const dist = process.env.HERALD_PAGE_DIST;
const live = "EUW1_7000000001";
const spectated = "NA1_5200000003";
const won = "EUW1_6900000010";
const remake = "EUW1_6900000013";
const aborted = "BR1_3000000014";
const matchPath = (match) => `/#/match/${match}`;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const inPage = (name, options, body) =>
  test(name, () => withPage(browser, body, options));

const count = (page, selector) => () => page.locator(selector).count();
const text = (page, selector) => () => page.locator(selector).first()
  .innerText().catch(() => "");

// -- the list -----------------------------------------------------------------

inPage("the list shows live matches first, then the others", {},
  async ({ page, node }) => {
    await becomes(count(page, ".card[data-match]"), 3);
    assert.deepEqual(
      await Promise.all((await page.locator("h2").all()).map(seen)),
      ["Live now 3", "Finished 5"]);
    const card = page.locator(`.card[data-match="${live}"]`);
    const { blueKills, redKills } = node.games.get(live).summary();
    assert.equal(await seen(card.locator(".score")),
      `Blue ${blueKills}: ${redKills} Red`);
    assert.match(await card.innerText(), /Ranked Solo\/Duo · EUW/);
    assert.deepEqual(await card.locator(".lineup.blue li").allInnerTexts(),
      ["Aatrox", "Lee Sin", "Ahri", "Jinx", "Thresh"]);
    assert.match(await page.locator(`.row[data-match="${remake}"]`).innerText(),
      /Remake/);
    assert.match(await page.locator(`.row[data-match="${aborted}"]`).innerText(),
      /Aborted\s+BR1_3000000014/);
  });

inPage("a live game moves in the list", {}, async ({ page, node }) => {
  const card = page.locator(`.card[data-match="${live}"]`);
  await card.waitFor();
  assert.equal(await card.locator(".clock").innerText(), "13:00");
  for (let step = 0; step < 8; step += 1)
    node.tick();
  const summary = node.games.get(live).summary();
  await becomes(() => card.locator(".clock").innerText(), "15:00");
  await becomes(() => seen(card.locator(".score")),
    `Blue ${summary.blueKills}: ${summary.redKills} Red`);
});

inPage("a match that starts appears, and one that ends moves down", {},
  async ({ page, node }) => {
    await becomes(count(page, ".card[data-match]"), 3);
    const game = new Game({ matchId: "EUW1_8000000000", seed: 99 });
    node.games.set(game.state.matchId, game);
    node.tick();
    await becomes(count(page, ".card[data-match]"), 4);
    node.finish(live);
    await becomes(count(page, ".card[data-match]"), 3);
    await page.locator(`.row[data-match="${live}"]`).waitFor();
  });

inPage("a score that nobody can know is not shown as one", {},
  async ({ page }) => {
    const card = page.locator(`.card[data-match="${spectated}"]`);
    await card.waitFor();
    assert.equal(await seen(card.locator(".score")), "Blue –: – Red");
    assert.deepEqual(await card.locator(".lineup.blue li").allInnerTexts(),
      ["Aatrox", "Lee Sin", "Ahri", "Jinx", "Thresh"]);
  });

inPage("the list can be filtered by words and by state", {}, async ({ page }) => {
  await becomes(count(page, ".row"), 5);
  await page.getByRole("searchbox").fill("wukong flex");
  await becomes(count(page, ".card[data-match]"), 1);
  await becomes(count(page, ".row"), 0);
  await page.getByRole("searchbox").fill("nobody at all");
  await page.getByText("Nothing fits the filter").waitFor();
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await page.getByRole("radio", { name: "Finished" }).check();
  await becomes(count(page, ".card[data-match]"), 0);
  await becomes(count(page, ".row"), 5);
});

inPage("an empty node says what will happen", { games: [] }, async ({ page }) => {
  await page.getByText("No matches yet").waitFor();
  assert.match(await page.locator(".empty").innerText(), /appears here by itself/);
});

inPage("hundreds of matches are drawn a page at a time", {
  games: Array.from({ length: 130 }, (_, place) => {
    const game = new Game(
      { matchId: `EUW1_${place}`, seed: place, startedAt: place });
    game.finish();
    return game;
  }),
}, async ({ page }) => {
  await becomes(count(page, ".row"), 40);
  assert.equal(await page.locator(".row").first().getAttribute("data-match"),
    "EUW1_129");
  await page.getByRole("button", { name: "Show 40 more" }).click();
  await becomes(count(page, ".row"), 80);
});

// -- one match ----------------------------------------------------------------

/** What the page shows of a match, read back from its elements. */
async function shown(page) {
  const figures = async (selector) =>
    (await page.locator(selector).allInnerTexts())
      .map((words) => Number(words.replace(/\D/g, "")));
  return {
    kills: await figures(".hero-figures .figure"),
    objectives: await figures(".objectives .figure"),
    players: await page.locator(".team tbody tr").evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll(".number")].map((cell) =>
        cell.textContent.replace(/,/g, "")).join(" "))),
    items: await page.locator(".team tbody tr").evaluateAll((rows) => rows.map(
      (row) => row.querySelectorAll(".items li:not(.free)").length)),
    points: Number(await page.locator(".canvas").getAttribute("data-points")),
  };
}

function expectedOf(state) {
  const [blue, red] = state.teams;
  const pairs = (names) => names.flatMap((name) => [blue[name], red[name]]);
  return {
    kills: pairs(["kills"]),
    objectives: pairs(["towers", "inhibitors", "dragons", "heralds", "barons",
      "horde"]),
    players: state.participants.map((player) => [
      `${player.kills}/${player.deaths}/${player.assists}`, player.level,
      player.creepScore, player.gold].join(" ")),
    items: state.participants.map((player) => player.items.length),
    points: state.gold.length,
  };
}

inPage("a match shows everything that its state holds, and moves",
  { path: matchPath(live) }, async ({ page, node }) => {
    const { state } = node.games.get(live);
    await page.locator(".canvas canvas").waitFor();
    await becomes(() => shown(page), expectedOf(state));
    assert.equal(await page.locator(".hero-clock").innerText(), "13:00");
    assert.match(await page.locator(".hero-state").innerText(),
      /Live[\s\S]*Game client · Confidence 90%/);
    await becomes(count(page, ".event"), state.feed.length);
    for (let step = 0; step < 40; step += 1)
      node.tick();
    await becomes(() => shown(page), expectedOf(state));
    assert.equal(await page.locator(".hero-clock").innerText(), "23:00");
    assert.equal(await page.title(), `${live} · Herald`);
  });

inPage("the feed tells kills and objectives with the clock",
  { path: matchPath(live) }, async ({ page, node }) => {
    await page.locator(".event").first().waitFor();
    const game = node.games.get(live);
    const t = game.state.gameTime;
    const entry = (more) => ({ t, killerId: 0, victimId: 0, assistIds: [],
      teamId: 0, detail: "", ...more });
    const news = [
      entry({ kind: "kill", teamId: 100, killerId: 2, victimId: 8,
        assistIds: [1, 5] }),
      entry({ kind: "kill", teamId: 200, victimId: 3 }),
      entry({ kind: "dragon", teamId: 200, killerId: 7, detail: "FIRE_DRAGON" }),
      entry({ kind: "dragon", teamId: 100, killerId: 2, detail: "Elder" }),
      entry({ kind: "tower", teamId: 100 }),
      entry({ kind: "ace", teamId: 200 }),
      entry({ kind: "SOMETHING_NEW", teamId: 100 }),
    ];
    game.state.feed.push(...news);
    node.changed(game, "match.live.updated", { set: {}, append: { feed: news } });
    const lines = async () =>
      (await page.locator(".event").evaluateAll((events) => events.slice(0, 7)
        .map((event) => event.innerText.replace(/\s+/g, " ").trim()))).reverse();
    await becomes(lines, [
      "13:00 Blue: Lee Sin killed Syndra with Aatrox and Thresh",
      "13:00 Red: Ahri was executed",
      "13:00 Red: Vi took an infernal dragon",
      "13:00 Blue: Lee Sin took the elder dragon",
      "13:00 Blue: Blue destroyed a tower",
      "13:00 Red: Red scored an ace",
      "13:00 Blue: Blue took something new",
    ]);
    // Screen readers hear of it politely.
    await page.waitForFunction(() => /Blue took something new\..*Blue \d+, Red \d+\./
      .test(document.querySelector('[aria-live="polite"]').textContent));
    await page.locator(".events").getByRole("radio", { name: "Objectives" })
      .check();
    await becomes(async () => (await page.locator(".event").allInnerTexts())
      .some((line) => line.includes("killed")), false);
  });

inPage("the chart says its basis and has the same figures as a table",
  { path: matchPath(live) }, async ({ page, node }) => {
    await page.locator(".canvas canvas").waitFor();
    assert.match(await page.locator(".gold").innerText(),
      /Value of the items held/);
    await page.getByRole("button", { name: "Show as table" }).click();
    const { gold } = node.games.get(live).state;
    const last = gold.at(-1);
    const lead = last.difference === 0 ? "Gold even"
      : `${last.difference > 0 ? "Blue" : "Red"} +`
        + Math.abs(last.difference).toLocaleString("en-GB");
    await becomes(() => page.locator(".gold-table tbody tr").first()
      .innerText(), `13:00\t${lead}`);
    await becomes(count(page, ".gold-table tbody tr"),
      new Set(gold.map((point) => Math.floor(point.t / 60))).size);
    node.finish(live);
    await page.getByText("Timeline, exact").waitFor();
    await becomes(count(page, ".gold-table tbody tr"), 13);
  });

inPage("a match that ends says who won", { path: matchPath(live) },
  async ({ page, node }) => {
    await page.locator(".hero").waitFor();
    node.finish(live);
    await becomes(text(page, ".hero-state .badge"), "Blue won");
    await becomes(text(page, ".hero-side.red .hero-verdict"), "Defeat");
  });

inPage("remakes and aborted games are called so", { path: matchPath(remake) },
  async ({ page, url }) => {
    await page.getByText("somebody was missing").waitFor();
    assert.equal(await page.locator(".hero-verdict").count(), 0);
    await page.goto(url + matchPath(aborted));
    await page.getByText("Riot records no statistics").waitFor();
    await becomes(text(page, ".hero-state .badge"), "Aborted");
  });

inPage("a game that is only watched shows no made-up figures",
  { path: matchPath(spectated) }, async ({ page }) => {
    await page.getByText("not how it stands").waitFor();
    assert.equal(await seen(page.locator(".hero-figures")), "–:–");
    assert.equal(await page.locator(".team tbody tr").first()
      .locator(".number").first().innerText(), "–/–/–");
  });

inPage("item names can be read out in full", { path: matchPath(won) },
  async ({ page }) => {
    await page.getByRole("button", { name: "Item names" }).click();
    assert.match(await page.locator(".item-names").first().innerText(),
      /Boots|Doran's Blade/);
  });

inPage("an unknown match is an error with a way out",
  { path: matchPath("EUW1_404") }, async ({ page, node }) => {
    await page.getByRole("heading", { name: "There is no match EUW1_404 here" })
      .waitFor();
    const game = new Game({ matchId: "EUW1_404", seed: 4 });
    node.games.set("EUW1_404", game);
    await page.getByRole("button", { name: "Load it again" }).click();
    await page.locator(".hero").waitFor();
    await page.getByRole("link", { name: "← All matches" }).click();
    await becomes(text(page, "h1"), "Matches");
  });

inPage("an address that leads nowhere says so", { path: "/#/nowhere" },
  async ({ page }) => {
    await page.getByText("There is nothing at this address").waitFor();
  });

// -- for everybody ------------------------------------------------------------

inPage("everything works by keyboard", {}, async ({ page }) => {
  await becomes(count(page, ".card[data-match]"), 3);
  await page.keyboard.press("Tab");
  await becomes(() => page.evaluate(() => document.activeElement.textContent),
    "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  assert.equal(new URL(page.url()).hash, "");
  const focused = () => page.evaluate(() =>
    document.activeElement.closest("[data-match]")?.dataset.match);
  for (let presses = 0; presses < 5 && await focused() === undefined; presses += 1)
    await page.keyboard.press("Tab");
  const first = await focused();
  await page.keyboard.press("ArrowDown");
  const second = await focused();
  assert.notEqual(second, first);
  await page.keyboard.press("ArrowUp");
  assert.equal(await focused(), first);
  const outline = await page.locator(".card:has(:focus-visible)")
    .evaluate((card) => getComputedStyle(card).outlineStyle);
  assert.equal(outline, "solid");
  await page.keyboard.press("Enter");
  await page.locator(".hero").waitFor();
  await becomes(() => page.evaluate(() => document.activeElement.id), "main");
  await page.goBack();
  await becomes(text(page, "h1"), "Matches");
});

inPage("the colours follow the system until somebody chooses",
  { context: { colorScheme: "dark" } }, async ({ page }) => {
    const ground = () => page.evaluate(() =>
      getComputedStyle(document.body).backgroundColor);
    // The list is followed, so the page has started to follow the system too.
    await page.locator(".card[data-match]").first().waitFor();
    await becomes(ground, "rgb(10, 14, 22)");
    await page.emulateMedia({ colorScheme: "light" });
    await becomes(ground, "rgb(244, 246, 250)");
    await page.getByRole("button", { name: "Switch to dark colours" }).click();
    await becomes(ground, "rgb(10, 14, 22)");
    await page.reload();
    await page.locator(".card[data-match]").first().waitFor();
    await becomes(ground, "rgb(10, 14, 22)");
  });

inPage("the page speaks French when asked, or when the browser does",
  { context: { locale: "fr-FR" } }, async ({ page }) => {
    await becomes(text(page, "h1"), "Parties");
    assert.equal(await page.evaluate(() => document.documentElement.lang), "fr");
    await page.getByRole("button", { name: "EN, Show in English" }).click();
    await becomes(text(page, "h1"), "Matches");
    await page.reload();
    await becomes(text(page, "h1"), "Matches");
  });

inPage("who wants less motion gets none",
  { context: { reducedMotion: "reduce" } }, async ({ page }) => {
    await page.locator(".badge.live .dot").first().waitFor();
    assert.equal(await page.locator(".badge.live .dot").first()
      .evaluate((dot) => getComputedStyle(dot).animationName), "none");
  });

inPage("a narrow screen needs no scrolling sideways",
  { path: matchPath(live), context: { viewport: { width: 360, height: 740 } } },
  async ({ page, url }) => {
    const overflow = () => page.evaluate(() =>
      document.documentElement.scrollWidth - innerWidth);
    await page.locator(".canvas canvas").waitFor();
    await becomes(overflow, 0);
    await page.goto(`${url}/#/`);
    await page.locator(".card[data-match]").first().waitFor();
    await becomes(overflow, 0);
  });

inPage("Riot's notice stands on every view", {}, async ({ page, url }) => {
  const notice = "Herald isn't endorsed by Riot Games and doesn't reflect the "
    + "views or opinions of Riot Games or anyone officially involved in "
    + "producing or managing Riot Games properties. Riot Games and all "
    + "associated properties are trademarks or registered trademarks of Riot "
    + "Games, Inc.";
  for (const path of ["/#/", matchPath(live), matchPath("EUW1_404"), "/#/x"]) {
    await page.goto(url + path);
    await becomes(text(page, "footer"), notice);
  }
});

for (const colorScheme of ["light", "dark"])
  inPage(`axe finds nothing wrong in ${colorScheme} colours`,
    { context: { colorScheme } }, async ({ page, node, url }) => {
      const check = async (where) => {
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate(() => window.axe.run(
          { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa",
            "wcag22aa", "best-practice"] }));
        assert.deepEqual(violations.map(({ id, impact, nodes }) =>
          `${where}: ${impact} ${id} ${nodes[0].html} ${nodes[0].failureSummary}`),
        []);
      };
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.locator(".card[data-match]").first().waitFor();
      await check("list");
      await page.goto(url + matchPath(live));
      await page.locator(".canvas canvas").waitFor();
      await check("live match");
      await page.goto(url + matchPath(won));
      await page.locator(".canvas canvas").waitFor();
      await page.getByRole("button", { name: "Show as table" }).click();
      await page.getByRole("button", { name: "Item names" }).click();
      await check("finished match");
      await page.goto(url + matchPath(aborted));
      await page.getByText("Riot records no statistics").waitFor();
      await check("aborted match");
      await page.goto(url + matchPath("EUW1_404"));
      await page.getByText("There is no match").waitFor();
      await check("unknown match");
      await page.goto(`${url}/#/`);
      await page.locator(".card[data-match]").first().waitFor();
      node.refusing = true;
      node.drop();
      await page.getByText("Connection lost.").waitFor();
      await check("disconnected");
      node.mute = true;
      node.refusing = false;
      await page.reload();
      await page.locator("[aria-busy=true]").waitFor();
      await check("loading");
    });

// -- what is served -----------------------------------------------------------

test("what is built is small, hashed and free of inline code", () => {
  const assets = readdirSync(join(dist, "assets"));
  for (const name of assets)
    assert.match(name, /-[\w-]{8}\.(js|css|svg)$/);
  const scripts = assets.filter((name) => name.endsWith(".js"));
  const bytes = scripts.reduce((sum, name) =>
    sum + gzipSync(readFileSync(join(dist, "assets", name))).length, 0);
  assert.ok(scripts.length > 0);
  assert.ok(bytes <= 120_000, `${bytes} bytes of scripts`);
  const html = readFileSync(join(dist, "index.html"), "utf8");
  assert.doesNotMatch(html, /<style|style=|<script(?![^>]*\ssrc=)|\son\w+=|data:/);
  assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//);
});
