import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { becomes, launch, withPage } from "./support.mjs";

const live = "EUW1_7000000001";
const path = `/#/match/${live}`;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const inPage = (name, options, body) =>
  test(name, () => withPage(browser, body, options));

const banner = (page) => page.locator(".banner.warning");
const requests = (node, match) => node.received.filter((frame) =>
  frame.type === "subscribe" && frame.match === match);

/** Waits until the page shows exactly what the node holds. */
async function agrees(page, node) {
  const { state } = node.games.get(live);
  await becomes(async () => ({
    events: await page.locator(".event").count(),
    points: await page.locator(".canvas").getAttribute("data-points"),
    kills: (await page.locator(".hero-figures .figure").allInnerTexts())
      .map(Number),
  }), {
    events: Math.min(60, state.feed.length),
    points: String(state.gold.length),
    kills: state.teams.map((team) => team.kills),
  });
}

inPage("a lost connection keeps the picture, says since when, and resumes without a gap or a duplicate",
  { path }, async ({ page, node }) => {
    await agrees(page, node);
    node.tick();
    await agrees(page, node);
    node.refusing = true;
    node.drop();
    await banner(page).waitFor();
    assert.match(await banner(page).innerText(),
      /Connection lost\. Showing data from \d\d:\d\d:\d\d\. Reconnecting…/);
    assert.equal(await page.locator(".connection").innerText(), "Reconnecting…");
    assert.ok(await page.locator(".event").count() > 0);
    for (let step = 0; step < 6; step += 1)
      node.tick();
    node.refusing = false;
    await agrees(page, node);
    await becomes(() => banner(page).count(), 0);
    const [, resumed] = requests(node, live);
    assert.equal(resumed.cursor, node.cursor(live, 1));
    node.tick();
    await agrees(page, node);
  });

inPage("connections cut again and again leave nothing out", { path },
  async ({ page, node }) => {
    await agrees(page, node);
    for (let cut = 1; cut <= 3; cut += 1) {
      node.tick();
      node.drop();
      node.tick();
      await becomes(() => requests(node, live).length, cut + 1);
    }
    await agrees(page, node);
    assert.equal(requests(node, live).filter((frame) => frame.cursor).length, 3);
  });

inPage("somebody who does not want to wait can try now", {
  path,
  // The first wait becomes a minute, so that only the button can end it.
  init: () => { Math.random = () => 120; },
},
  async ({ page, node }) => {
    await agrees(page, node);
    node.refusing = true;
    node.drop();
    await banner(page).waitFor();
    node.refusing = false;
    await page.getByRole("button", { name: "Try now" }).click();
    await agrees(page, node);
    await becomes(() => banner(page).count(), 0);
  });

inPage("skipped updates are told of and can be put aside", { path },
  async ({ page, node }) => {
    await agrees(page, node);
    node.refusing = true;
    node.drop();
    await banner(page).waitFor();
    node.tick();
    node.expire(live);
    node.refusing = false;
    await page.getByText("were skipped").waitFor();
    await agrees(page, node);
    await page.getByRole("button", { name: "Dismiss" }).click();
    await becomes(() => page.getByText("were skipped").count(), 0);
  });

inPage("a refused cursor leaves the choice to the reader", { path },
  async ({ page, node }) => {
    await agrees(page, node);
    node.tick();
    await agrees(page, node);
    const shown = await page.locator(".hero-clock").innerText();
    node.restore();
    await page.getByText("cannot be continued").waitFor();
    assert.match(await page.locator("[role=alert]").innerText(),
      /another incarnation of the log/);
    node.tick();
    assert.equal(await page.locator(".hero-clock").innerText(), shown);
    await page.getByRole("button", { name: "Load it again" }).click();
    await agrees(page, node);
    await becomes(() => page.getByText("cannot be continued").count(), 0);
    // The list, whose lines are states, has begun anew by itself.
    await page.goto(page.url().replace(/#.*/, "#/"));
    await becomes(() => page.locator(".card[data-match] .clock").first()
      .innerText(), await page.locator(".card[data-match] .clock").first()
      .innerText());
    node.tick();
    const { state } = node.games.get(live);
    const minutes = Math.floor(state.gameTime / 60);
    await becomes(async () => (await page
      .locator(`.card[data-match="${live}"] .clock`).innerText())
      .startsWith(`${minutes}:`), true);
  });

inPage("going to the list and back shows the match at once and resumes it",
  { path }, async ({ page, node }) => {
    await agrees(page, node);
    await page.getByRole("link", { name: "← All matches" }).click();
    await page.locator(".card[data-match]").first().waitFor();
    node.tick();
    node.refusing = true;
    node.drop();
    await banner(page).waitFor();
    await page.locator(`[data-match="${live}"] a`).click();
    await page.locator(".hero").waitFor();
    assert.ok(await page.locator(".event").count() > 0);
    node.refusing = false;
    await agrees(page, node);
    assert.ok(requests(node, live).at(-1).cursor);
  });

inPage("a node that cannot be reached is waited for",
  { before: (node) => { node.refusing = true; } }, async ({ page, node }) => {
    await page.getByRole("heading", { name: "Herald cannot be reached" })
      .waitFor();
    node.refusing = false;
    await page.locator(".card[data-match]").first().waitFor();
  });

inPage("a node that is slow to answer shows the outline of what comes",
  { before: (node) => { node.mute = true; } }, async ({ page, node }) => {
    await page.locator("[aria-busy=true]").waitFor();
    assert.equal(await page.locator("[aria-busy=true] [role=status]")
      .textContent(), "Loading the matches…");
    node.mute = false;
    node.drop();
    await page.locator(".card[data-match]").first().waitFor();
  });

inPage("a node that refuses the page for good is left alone", { path },
  async ({ page, node }) => {
    await agrees(page, node);
    node.dismiss(4403, "no permission");
    await banner(page).waitFor();
    assert.match(await banner(page).innerText(), /code 4403\. no permission/);
    assert.equal(await page.locator(".connection").innerText(), "Disconnected");
    await page.getByRole("button", { name: "Reload" }).click();
    await agrees(page, node);
  });
