import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { MockNode } from "../mock.mjs";

/** Flags with which Debian's Chromium runs anywhere, also as root. */
export const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update",
  "--disable-sync",
];

export function launch() {
  return chromium.launch({
    executablePath: process.env.HERALD_CHROMIUM ?? "/usr/bin/chromium",
    args: flags,
  });
}

/**
 * Runs `body` with a page of its own on a mock node of its own. Fails when the
 * page threw or broke its content security policy. `before` prepares the node,
 * `init` runs in the page before its own scripts.
 */
export async function withPage(browser, body,
  { path = "/", games, context = {}, before = () => {}, init } = {}) {
  const node = new MockNode(
    { dist: process.env.HERALD_PAGE_DIST, ...(games && { games }) });
  const url = await node.listen();
  const frame = await browser.newContext(
    { locale: "en-GB", viewport: { width: 1280, height: 900 }, ...context });
  const page = await frame.newPage();
  page.setDefaultTimeout(60_000);
  const problems = [];
  page.on("pageerror", (problem) => problems.push(String(problem)));
  await page.exposeFunction("violated", (what) => problems.push(what));
  await page.addInitScript(() => document.addEventListener(
    "securitypolicyviolation", (event) => window.violated(
      `${event.violatedDirective} ${event.blockedURI} ${event.sample}`)));
  if (init !== undefined)
    await page.addInitScript(init);
  try {
    before(node);
    await page.goto(url + path);
    await body({ page, node, url });
    assert.deepEqual(problems, []);
  } finally {
    await frame.close();
    await node.close();
  }
}

/** Waits until `read` gives what is expected; shows the difference if not. */
export async function becomes(read, expected, ms = 60_000) {
  const until = Date.now() + ms;
  for (;;) {
    const found = await read();
    try {
      assert.deepEqual(found, expected);
      return;
    } catch (difference) {
      if (Date.now() > until)
        throw difference;
      await new Promise((done) => setTimeout(done, 25));
    }
  }
}

/** Text as a person reads it: without what only screen readers get. */
export function seen(locator) {
  return locator.evaluate((element) => {
    const copy = element.cloneNode(true);
    for (const hidden of copy.querySelectorAll(".visually-hidden"))
      hidden.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  });
}
