import { build } from "esbuild";
import { fileURLToPath } from "node:url";

/** The module of the feed client's or the page's sources, as Node reads it. */
export async function load(path) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(
      new URL(`../../../engine/edge/${path}`, import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "neutral",
    write: false,
  });
  return import("data:text/javascript;base64,"
    + Buffer.from(outputFiles[0].contents).toString("base64"));
}
