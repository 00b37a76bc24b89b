// How much a browser loads before the first page stands, compressed as it is sent. Fails above the limit.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const LIMIT = 300_000;

const dist = join(import.meta.dirname, "../dist");
const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8")) as Record<string, Chunk>;

interface Chunk {
  file: string;
  imports?: string[];
  css?: string[];
}

/** A chunk's files and those of all that it needs at once. */
function files(key: string, found: Set<string>): Set<string> {
  const chunk = manifest[key];
  if (chunk === undefined || found.has(chunk.file)) return found;
  [chunk.file, ...(chunk.css ?? [])].forEach((file) => found.add(file));
  (chunk.imports ?? []).forEach((next) => files(next, found));
  return found;
}

const gzipped = (file: string): number => {
  try {
    return readFileSync(join(dist, `${file}.gz`)).length;
  } catch {
    return readFileSync(join(dist, file)).length;
  }
};

let worst = 0;
for (const page of Object.keys(manifest).filter((key) => /^src\/pages\/(\w+\/index|\w+)\.tsx$/.test(key))) {
  const all = files(page, files("index.html", new Set(["index.html"])));
  const sum = [...all].reduce((total, file) => total + gzipped(file), 0);
  worst = Math.max(worst, sum);
  console.log(`${page.padEnd(36)} ${(sum / 1000).toFixed(1).padStart(6)} kB gzip in ${all.size} files`);
}
if (worst === 0 || worst > LIMIT) {
  console.error(`the first load is ${worst} bytes; the limit is ${LIMIT}`);
  process.exit(1);
}
