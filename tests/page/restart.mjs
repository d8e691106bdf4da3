/**
 * A page that outlives its node:
 *
 *     node restart.mjs URL
 *
 * opens URL (the page of one live match) and prints "events N" for the events
 * that it shows, once connected. It then reads lines from standard input:
 * "lost" waits until the page says that the connection is lost, "events N"
 * until it is connected again and shows exactly N events. Each is answered with
 * "ok"; the end of the input ends it. The exit code is 1 when something did not
 * come within a minute.
 */

import { createInterface } from "node:readline";
import { becomes, launch } from "./browser/support.mjs";

const browser = await launch();
const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
page.setDefaultTimeout(60_000);
let code = 0;
try {
  await page.goto(process.argv[2]);
  await page.locator(".event").first().waitFor();
  console.log(`events ${await page.locator(".event").count()}`);
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, count] = line.split(" ");
    if (what === "lost") {
      await page.locator(".banner.warning").waitFor();
    } else {
      await page.locator(".banner.warning").waitFor({ state: "detached" });
      await becomes(() => page.locator(".event").count(), Number(count));
    }
    console.log("ok");
  }
} catch (problem) {
  console.error(problem);
  code = 1;
}
await browser.close();
process.exit(code);
