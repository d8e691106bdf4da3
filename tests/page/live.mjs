/**
 * Looks at the page of a real node as a person would:
 *
 *     node live.mjs URL FOLDER [--seconds N]
 *
 * The page opens, a live game appears within N seconds (30 unless told) and
 * moves, its own page opens and moves too, and its gold chart has points.
 * Screenshots go to FOLDER. Each check is a line; the last line is JSON. The
 * exit code is 1 when a check failed and 2 for a wrong call.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch } from "./browser/support.mjs";

let options;
try {
  options = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: "string", default: "30" } },
  });
} catch (problem) {
  usage(problem.message);
}
const [url, folder] = options.positionals;
const seconds = Number(options.values.seconds);
if (!folder || !(seconds > 0))
  usage("an address, a folder and a positive number of seconds are needed");
mkdirSync(folder, { recursive: true });

function usage(problem) {
  console.error(`${problem}\nusage: node live.mjs URL FOLDER [--seconds N]`);
  process.exit(2);
}

const results = [];
const problems = [];

async function check(name, body) {
  const start = Date.now();
  let failure;
  try {
    await body();
  } catch (problem) {
    failure = String(problem?.message ?? problem).split("\n")[0];
  }
  const ms = Date.now() - start;
  results.push({ name, ok: failure === undefined, ms, failure });
  console.log(`${failure === undefined ? "ok    " : "failed"} ${name} (${ms} ms)`
    + (failure === undefined ? "" : `: ${failure}`));
  return failure === undefined;
}

const browser = await launch();
const context = await browser.newContext(
  { viewport: { width: 1280, height: 900 }, locale: "en-GB" });
const page = await context.newPage();
page.setDefaultTimeout(seconds * 1_000);
page.on("pageerror", (problem) => problems.push(String(problem)));
await page.exposeFunction("violated", (what) => problems.push(what));
await page.addInitScript(() => document.addEventListener(
  "securitypolicyviolation", (event) => window.violated(
    `content security policy: ${event.violatedDirective} ${event.blockedURI}`)));

const photograph = (name) => page.screenshot(
  { path: join(folder, `${name}.png`), fullPage: true });

/** The live game that has gone on longest, by what the list shows of it. */
const liveCards = () => page.locator(".card[data-match]").evaluateAll(
  (cards) => cards.map((card) => ({
    match: card.dataset.match,
    clock: card.querySelector(".clock")?.textContent ?? "",
    scored: /\d/.test(card.querySelector(".score .figure")?.textContent ?? ""),
    text: card.innerText,
  })));

/** Waits until `read` gives something that `wanted` accepts. */
async function until(what, read, wanted) {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const found = await read();
    if (wanted(found))
      return found;
    if (Date.now() > end)
      throw new Error(`${what}; last seen: ${JSON.stringify(found)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

let match;
const opened = await check("the page opens and connects", async () => {
  await page.goto(url);
  await page.locator(".connection.connected").waitFor();
});
const appeared = opened && await check("a live game appears", async () => {
  await page.locator(".card[data-match]").first().waitFor();
});
if (appeared)
  await check("it moves in the list", async () => {
    const before = new Map((await liveCards()).map((card) => [card.match, card]));
    const moved = await until("no live game moved", liveCards, (cards) =>
      cards.some((card) => before.has(card.match)
        && before.get(card.match).text !== card.text));
    match = (moved.find((card) => before.has(card.match) && card.scored
      && before.get(card.match).text !== card.text)
      ?? moved.find((card) => before.has(card.match)
        && before.get(card.match).text !== card.text)).match;
  });
await photograph("list");
if (match !== undefined) {
  await check("its page opens", async () => {
    await page.goto(new URL(`#/match/${match}`, page.url()).href);
    await page.locator(".hero").waitFor();
    await page.locator(".team tbody tr").first().waitFor();
  });
  await check("its clock or score moves", async () => {
    const read = () => page.locator(".hero").innerText();
    const before = await read();
    await until("nothing moved", read, (now) => now !== before);
  });
  await check("its chart has points", async () => {
    await until("no points", async () => page.locator(".canvas")
      .getAttribute("data-points", { timeout: 1_000 }).catch(() => "0"),
    (points) => Number(points) >= 2);
  });
  await photograph("match");
  await page.emulateMedia({ colorScheme: "dark" });
  await photograph("match-dark");
}
await check("the page threw nothing and kept its policy", () => {
  if (problems.length > 0)
    throw new Error(problems.join("; "));
});
await browser.close();

const failed = results.filter((result) => !result.ok).length;
console.log(JSON.stringify({ match, failed, checks: results }));
process.exitCode = failed === 0 ? 0 : 1;
