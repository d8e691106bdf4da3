import { defineConfig } from "vite";

// A node serves what this builds: index.html at / and everything else, with a
// hash in its name, below /assets/. The content security policy is
// `default-src 'self'`, so nothing is inlined: no scripts, styles or data URLs.
export default defineConfig({
  base: "/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    sourcemap: false,
  },
  server: {
    // `npm run dev` shows the games of a node that runs elsewhere.
    proxy: {
      "/v1": {
        target: process.env.HERALD_NODE ?? "http://127.0.0.1:8080",
        ws: true,
      },
    },
  },
});
