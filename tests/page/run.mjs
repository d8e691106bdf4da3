/**
 * Builds the page, bundles the feed client for Node and runs all tests of this
 * folder. HERALD_PAGE_DIST names a page that is built already.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const page = fileURLToPath(new URL("../../engine/edge/page", import.meta.url));

function run(command, args, cwd, env = {}) {
  const { status } = spawnSync(command, args,
    { cwd, stdio: "inherit", env: { ...process.env, ...env } });
  return status ?? 1;
}

function must(command, args, cwd) {
  const status = run(command, args, cwd);
  if (status !== 0)
    process.exit(status);
}

const scratch = mkdtempSync(join(tmpdir(), "herald-page-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

let dist = process.env.HERALD_PAGE_DIST;
if (dist === undefined) {
  dist = join(scratch, "dist");
  if (!existsSync(join(page, "node_modules", ".package-lock.json")))
    must("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], page);
  must("npm", ["run", "--silent", "build", "--", "--outDir", dist,
    "--logLevel", "warn"], page);
}

const files = ["unit", "browser"].flatMap((folder) =>
  readdirSync(join(here, folder)).filter((name) => name.endsWith(".test.mjs"))
    .map((name) => join(folder, name)));
process.exitCode = run(process.execPath,
  ["--test", ...process.argv.slice(2), ...files], here,
  { HERALD_PAGE_DIST: dist });
