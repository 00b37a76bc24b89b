import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Leaves each file compressed beside itself, so that the host need not do it for every visitor. */
function compressed(folder: string): Plugin {
  const worthwhile = /\.(js|css|html|svg)$/;
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        const path = join(folder, name);
        if (!worthwhile.test(name) || statSync(path).size < 1024) continue;
        const content = readFileSync(path);
        const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
        writeFileSync(`${path}.br`, brotliCompressSync(content, quality));
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}

/** Where `npm run dev` finds a host. */
const host = process.env["BACKFILL_HOST"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), compressed("dist")],
  build: { manifest: true, target: "es2023", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/login", "/logout", "/docs", "/openapi.json", "/readyz"].map((path) => [path, host]),
    ),
  },
});
