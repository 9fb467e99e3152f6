// Builds the web bundle into dist/: minified, named by content, gzipped, with the table that
// src/ui.rs includes. The same source gives the same bytes on any machine: the compressor is
// written in JavaScript, no time stamp is stored, and files are listed in sorted order.
import { build } from 'esbuild';
import { gzipSync } from 'fflate';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const LIMIT_BYTES = 300 * 1024;
const CONTENT_TYPES = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

/** Bundles every entry point; returns [name, bytes] with the content hash in the name. */
async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: { app: 'src/main.tsx', theme: 'src/theme-early.ts', style: 'src/style/index.css' },
    outdir: 'out',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: ['es2022'],
    minify: true,
    legalComments: 'none',
    charset: 'ascii',
    write: false,
    metafile: true,
    logLevel: 'warning',
  });
  return result.outputFiles
    .map((f) => [basename(f.path), Buffer.from(f.contents)])
    .sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

/** The licences of what the bundle contains, as their authors ask. */
function licences() {
  const lock = JSON.parse(readFileSync(join(here, 'package-lock.json'), 'utf8'));
  const parts = ['Third-party software in this bundle, each under its own licence.\n'];
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '' || entry.dev || entry.optional) continue;
    const folder = join(here, path);
    const file = existsSync(folder) && readdirSync(folder).find((n) => /^licen[cs]e/i.test(n));
    if (!file) throw new Error(`no licence file in ${path}: run npm ci, then look at the package`);
    parts.push(`\n==== ${path.replace(/^.*node_modules\//, '')} ${entry.version} ====\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`);
  }
  return Buffer.from(parts.join(''));
}

function indexHtml(names) {
  const named = (stem, ext) => `/assets/${names.find((n) => n.startsWith(`${stem}-`) && n.endsWith(ext))}`;
  return Buffer.from(
    readFileSync(join(here, 'src/index.html'), 'utf8')
      .replace('%THEME%', named('theme', '.js'))
      .replace('%STYLE%', named('style', '.css'))
      .replace('%APP%', named('app', '.js')),
  );
}

/** One Rust match arm per file, for `include!` in src/ui.rs. */
function rustTable(files) {
  const rows = files.map(
    ({ url, file, type, etag, immutable }) =>
      `    (\n        "${url.slice(1)}",\n        Asset {\n            bytes_gzip: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist/${file}")),\n` +
      `            content_type: "${type}",\n            etag: "\\"${etag}\\"",\n            immutable: ${immutable},\n        },\n    ),\n`,
  );
  return `// Written by web/build.mjs; sorted by path.\n[\n${rows.join('')}]\n`;
}

const outputs = await bundle();
const names = outputs.map(([name]) => name);
const staged = [
  ...outputs.map(([name, bytes]) => ({ url: `/assets/${name}`, bytes, immutable: true })),
  { url: '/assets/licences.txt', bytes: licences(), immutable: false },
  { url: '/favicon.svg', bytes: readFileSync(join(here, 'src/favicon.svg')), immutable: false },
  { url: '/index.html', bytes: indexHtml(names), immutable: false },
].sort((a, b) => (a.url < b.url ? -1 : 1));

const dist = join(here, 'dist');
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
let total = 0;
const table = staged.map(({ url, bytes, immutable }) => {
  const file = `${basename(url)}.gz`;
  const packed = gzipSync(bytes, { level: 9, mtime: 0 });
  writeFileSync(join(dist, file), packed);
  total += packed.length;
  console.log(`${String(packed.length).padStart(8)}  ${url}`);
  return { url, file, type: CONTENT_TYPES[extname(url)], etag: sha(bytes), immutable };
});
writeFileSync(join(dist, 'table.rs'), rustTable(table));
console.log(`${String(total).padStart(8)}  in all (limit ${LIMIT_BYTES})`);
if (total > LIMIT_BYTES) {
  console.error(`the bundle is ${total} bytes gzipped, over the limit of ${LIMIT_BYTES}`);
  process.exit(1);
}
