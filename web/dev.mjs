// A development server: serves dist/, answers promlet's own endpoints from files, and hands the rest
// to a real Prometheus and Alertmanager.
//   node dev.mjs --port 19500 --prometheus 127.0.0.1:19590 --alertmanager 127.0.0.1:19593 [--dashboards DIR]... [--watch]
import { existsSync, readFileSync, readdirSync, watch } from 'node:fs';
import { createServer, request } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { spawnSync } from 'node:child_process';

const here = dirname(fileURLToPath(import.meta.url));
const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '19500' },
    prometheus: { type: 'string', default: '127.0.0.1:9090' },
    alertmanager: { type: 'string', default: '127.0.0.1:9093' },
    dashboards: { type: 'string', multiple: true, default: [join(here, '../dashboards')] },
    watch: { type: 'boolean', default: false },
    demo: { type: 'boolean', default: false },
    silent: { type: 'boolean', default: false },
  },
});
const started = Math.floor(Date.now() / 1000);
const TYPES = { js: 'text/javascript', css: 'text/css', html: 'text/html', svg: 'image/svg+xml', txt: 'text/plain' };
const PAGES = /^\/(query|dashboards(\/[^/]+)?|alerts|rules|targets|service-discovery|status|tsdb-status|flags|config)\/?$/;

function dashboards() {
  const files = flags.dashboards.filter((d) => existsSync(d)).flatMap((d) => readdirSync(d).filter((n) => n.endsWith('.json')).map((n) => join(d, n)));
  return files.map((path) => {
    const name = basename(path, '.json');
    try {
      const raw = JSON.parse(readFileSync(path, 'utf8'));
      const d = raw.dashboard && !raw.panels ? raw.dashboard : raw;
      return { entry: { name, title: d.title ?? name, tags: d.tags ?? [], file: basename(path), error: null }, raw: d };
    } catch (cause) {
      return { entry: { name, title: name, tags: [], file: basename(path), error: String(cause.message) }, raw: null };
    }
  });
}

const overview = () => ({
  version: '0.1.0-dev',
  mode: flags.demo ? 'demo' : 'config',
  demo_url: flags.demo ? 'http://127.0.0.1:8002/' : null,
  demo_script: flags.demo ? [{ at_seconds: 20, what: 'a loss turns NaN and fires at once' }, { at_seconds: 80, what: 'a job goes over its budget' }, { at_seconds: 150, what: 'the budget alert resolves' }] : [],
  started_at: started,
  scrape_interval_seconds: 5,
  alerting: flags.silent ? { configured: false, hint: 'route:\n  receiver: team\nreceivers:\n  - name: team\n    slack_configs:\n      - api_url: https://hooks.slack.com/services/...\n        channel: "#alerts"\n' } : { configured: true, hint: '' },
  notes: [{ file: 'prometheus.yml', line: 3, column: 3, text: 'global.query_log_file is accepted; queries are not logged in this version' }],
});

function deliveries() {
  const labels = { alertname: 'AlwaysFiring', severity: 'warning', job: 'node', instance: '127.0.0.1:19591', rack: 'a<b>1' };
  const now = Math.floor(Date.now() / 1000);
  return [
    { at: now - 12, receiver: 'team', integration: 'slack[0]', group_labels: { alertname: 'AlwaysFiring' }, status: 'firing', alerts: [labels], outcome: 'delivered', attempts: 1, detail: '200 ok', id: '0193f2ab77aa' },
    { at: now - 60, receiver: 'team', integration: 'email[0]', group_labels: { alertname: 'AlwaysFiring' }, status: 'firing', alerts: [labels, { ...labels, job: 'other' }], outcome: 'retrying', attempts: 3, detail: 'smtp 127.0.0.1:25: connection refused; next try in 20 s', id: '0193f2ab77ab' },
    { at: now - 3600, receiver: 'hook', integration: 'webhook[0]', group_labels: {}, status: 'resolved', alerts: [labels], outcome: 'failed', attempts: 5, detail: '404 Not Found: gave up', id: '0193f2ab77ac' },
  ];
}

function answer(path) {
  const ok = (data) => [200, { status: 'success', data }];
  if (path === '/api/v1/promlet/overview') return ok(overview());
  if (path === '/api/v1/promlet/deliveries') return ok(deliveries());
  if (path === '/api/v1/promlet/dashboards') return ok(dashboards().map((d) => d.entry));
  const one = /^\/api\/v1\/promlet\/dashboards\/(.+)$/.exec(path);
  if (!one) return null;
  const found = dashboards().find((d) => d.entry.name === decodeURIComponent(one[1]));
  return found?.raw ? ok(found.raw) : [404, { status: 'error', errorType: 'not_found', error: `no dashboard "${one[1]}"` }];
}

function pass(target, req, res) {
  const [host, port] = target.split(':');
  const { origin: _, ...headers } = req.headers;
  const onward = request({ host, port, method: req.method, path: req.url, headers: { ...headers, host: target } }, (r) => {
    res.writeHead(r.statusCode, r.headers);
    r.pipe(res);
  });
  onward.on('error', (cause) => (res.headersSent ? res.destroy() : res.writeHead(502).end(String(cause))));
  req.pipe(onward);
}

function asset(path, res) {
  const file = join(here, 'dist', `${basename(path)}.gz`);
  if (!existsSync(file)) return res.writeHead(404).end('not found');
  res.writeHead(200, {
    'Content-Type': TYPES[path.split('.').pop()] ?? 'application/octet-stream',
    'Content-Encoding': 'gzip',
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': "default-src 'self'",
    'X-Content-Type-Options': 'nosniff',
  });
  res.end(readFileSync(file));
}

createServer((req, res) => {
  const path = new URL(req.url, 'http://x').pathname;
  const own = answer(path);
  if (own) return res.writeHead(own[0], { 'Content-Type': 'application/json' }).end(JSON.stringify(own[1]));
  if (path.startsWith('/api/v2/')) return pass(flags.alertmanager, req, res);
  if (path.startsWith('/api/') || path.startsWith('/-/') || path === '/metrics') return pass(flags.prometheus, req, res);
  if (path === '/') return res.writeHead(302, { Location: '/dashboards' }).end();
  if (path === '/graph') return res.writeHead(302, { Location: `/query${new URL(req.url, 'http://x').search}` }).end();
  asset(PAGES.test(path) ? '/index.html' : path, res);
}).listen(Number(flags.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${flags.port}/`));

if (flags.watch) {
  let timer;
  watch(join(here, 'src'), { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => spawnSync('node', ['build.mjs'], { cwd: here, stdio: 'inherit' }), 150);
  });
}
