// Runs the unit tests: bundles each *.test.ts with esbuild, as Node reads no TypeScript, then node:test.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(here, '../node_modules/.unit-'));
try {
  const files = readdirSync(join(here, 'unit')).filter((n) => /\.test\.tsx?$/.test(n));
  await build({
    entryPoints: files.map((n) => join(here, 'unit', n)),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  });
  const env = { ...process.env, WEB_ROOT: join(here, '..') };
  const run = spawnSync(process.execPath, ['--test', ...files.map((n) => join(out, n.replace(/\.tsx?$/, ".mjs")))], { stdio: 'inherit', env });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
