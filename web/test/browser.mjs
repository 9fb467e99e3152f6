// Clicks through every page of a running promlet in headless Chromium and asserts what the pages say,
// from the hidden tables and marks in the DOM, never from pixels.
//   node test/browser.mjs http://127.0.0.1:9090 [--screenshots DIR]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [base, option, shots] = process.argv.slice(2).map((a) => a.replace(/\/$/, ''));
if (!base) {
  console.error('usage: node test/browser.mjs BASE_URL [--screenshots DIR]');
  process.exit(2);
}
const WAIT_MS = 20_000;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const profile = mkdtempSync(join(tmpdir(), 'promlet-browser-'));
const context = await chromium.launchPersistentContext(profile, { executablePath: '/usr/bin/chromium', headless: true, args: FLAGS, viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
context.setDefaultTimeout(WAIT_MS);
const page = await context.newPage();

const complaints = [];
const foreign = [];
/** Requests that a step makes fail on purpose: part of their address. */
let expectedFailure = null;
/** Inline scripts that the content policy stopped, and how many of those one check tried on purpose. */
let blocked = 0;
let tried = 0;
page.on('console', (message) => {
  if (message.type() !== 'error') return;
  if (/inline script violates/.test(message.text())) return void blocked++;
  if (expectedFailure && message.location().url.includes(expectedFailure)) return;
  complaints.push(`${message.text()} (${message.location().url})`);
});
page.on('pageerror', (error) => complaints.push(error.stack ?? String(error)));
context.on('request', (request) => {
  const { origin, protocol } = new URL(request.url());
  if (protocol.startsWith('http') && origin !== new URL(base).origin) foreign.push(request.url());
});

let passed = 0;
let failed = 0;
async function check(name, run) {
  try {
    await run();
    passed++;
    console.log(`ok    ${name}`);
  } catch (cause) {
    failed++;
    console.log(`FAIL  ${name}\n      ${String(cause.stack ?? cause).split('\n').slice(0, 6).join('\n      ')}`);
    if (option === '--screenshots') await page.screenshot({ path: join(shots, `failed-${failed}.png`) }).catch(() => undefined);
  }
}

function assert(condition, message) {
  if (!condition) throw new Error(message);
}

const mark = (id) => page.locator(`[data-testid="${id}"]`);
const open = (path) => page.goto(base + path);
const api = async (path) => (await (await fetch(`${base}/api/v1/${path}`)).json()).data;
const instant = async (expr) => (await api(`query?query=${encodeURIComponent(expr)}`)).result;

/** Waits until a reading from the page satisfies the test, then gives it back. */
async function until(what, read, good) {
  const end = Date.now() + WAIT_MS;
  let last;
  for (;;) {
    last = await read();
    if (good(last)) return last;
    if (Date.now() > end) throw new Error(`${what}: still ${JSON.stringify(last)?.slice(0, 300)}`);
    await page.waitForTimeout(100);
  }
}

/** Rows of a chart's hidden table: name and numbers. */
const chartRows = (scope) =>
  scope.locator('[data-testid="chart-data"] tbody tr').evaluateAll((rows) => rows.map((r) => ({ name: r.querySelector('th').textContent, values: [...r.querySelectorAll('td[data-value]')].map((c) => (c.dataset.value === '' ? null : Number(c.dataset.value))) })));

async function write(expr) {
  const editor = mark('editor-content').first();
  await editor.click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(expr);
  await page.keyboard.press('Escape');
  await mark('execute').first().click();
}

/** Opens a dashboard, scrolls through it, and gives each panel's kind, title and state. */
async function readDashboard(name) {
  await open(`/dashboards/${encodeURIComponent(name)}`);
  await page.locator('[data-testid="page-dashboard"][data-ready="true"]').waitFor();
  await mark('panel').first().waitFor();
  const count = await mark('panel').count();
  for (let i = 0; i < count; i++) {
    const panel = mark('panel').nth(i);
    await panel.scrollIntoViewIfNeeded();
    await until(`panel ${i} of ${name}`, () => panel.getAttribute('data-state'), (s) => s === 'ready');
  }
  return mark('panel').evaluateAll((panels) =>
    panels.map((p) => ({
      title: p.getAttribute('aria-label'),
      kind: p.dataset.kind,
      error: p.querySelector('[data-testid="panel-error"]')?.textContent ?? null,
      empty: p.querySelector('[data-testid="no-data"]') !== null,
      refused: p.querySelector('[data-testid="unsupported"]')?.textContent ?? null,
      rows: p.querySelectorAll('[data-testid="chart-data"] tbody tr, [data-testid="table-panel"] tbody tr').length,
      values: [...p.querySelectorAll('[data-testid="stat-value"]')].map((v) => v.dataset.value),
    })),
  );
}

async function shell() {
  await check('the start page leads to the dashboards', async () => {
    const response = await open('/');
    await page.waitForURL(/\/(dashboards|query)/);
    assert(response.ok(), `answered ${response.status()}`);
    const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content');
    assert(/default-src 'self'/.test(policy), 'the page asks for a strict content policy');
    const inline = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.inlineRan = true';
      document.head.append(script);
      return window.inlineRan === true;
    });
    assert(!inline, 'an inline script ran');
    tried = await until('the policy speaks', () => Promise.resolve(blocked), (n) => n > 0);

  });
  await check('navigation reaches every page without loading anew', async () => {
    await page.evaluate(() => (window.stayed = true));
    for (const name of ['query', 'alerts', 'targets', 'status', 'dashboards']) {
      await mark(`nav-${name}`).click();
      await mark(`page-${name}`).waitFor();
      assert((await mark(`nav-${name}`).getAttribute('aria-current')) === 'page', `${name} is marked as the present page`);
    }
    assert(await page.evaluate(() => window.stayed === true), 'the page was loaded anew');
    await page.goBack();
    await mark('page-status').waitFor();
  });
  await check('the theme can be chosen and is kept', async () => {
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await paper();
    await mark('theme').click();
    await mark('theme').click();
    assert((await paper()) !== light, 'dark looks different');
    await page.reload();
    await mark('page-status').waitFor();
    assert((await paper()) !== light, 'dark is kept');
    await mark('theme').click();
    assert((await paper()) === light, 'back to the system');
  });
}

async function queries() {
  await check('query: a table with the values that the API gives', async () => {
    await open('/query');
    await write('up');
    const want = await instant('up');
    assert(want.length > 0, 'the server has targets');
    const cells = await until('rows', () => mark('value').allTextContents(), (c) => c.length === want.length);
    assert(cells.every((c) => c === '0' || c === '1'), `values ${cells}`);
    assert(new URL(page.url()).searchParams.get('g0.expr') === 'up', 'the expression is in the address');
  });
  await check('query: the graph has a line per series', async () => {
    await page.locator('[data-testid="panel-0"] [data-testid="seg-graph"]').click();
    const want = (await instant('up')).length;
    const rows = await until('lines', () => chartRows(mark('panel-0')), (r) => r.length >= want);
    assert(rows.every((r) => r.values[2] !== null && r.values[2] <= 1), JSON.stringify(rows[0]));
    assert(/g0\.tab=graph/.test(page.url()), 'the tab is in the address');
    await mark('stacked').check();
    await until('address', () => page.url(), (u) => u.includes('g0.display_mode=stacked'));
    await page.reload();
    await until('lines after a reload', () => chartRows(mark('panel-0')), (r) => r.length >= want);
    assert(await mark('stacked').isChecked(), 'stacking is kept');
  });
  await check('query: names are completed', async () => {
    await open('/query');
    await mark('editor-content').click();
    await page.keyboard.type('scrape_dura', { delay: 15 });
    const list = page.locator('.cm-tooltip-autocomplete li');
    await list.first().waitFor();
    assert((await list.allTextContents()).some((t) => t.includes('scrape_duration_seconds')), 'the metric is offered');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('up{jo', { delay: 15 });
    await until('labels', () => list.allTextContents(), (l) => l.some((t) => t.startsWith('job')));
    await page.keyboard.press('Escape');
  });
  await check('query: an error shows its place', async () => {
    await open('/query');
    expectedFailure = '/api/v1/query';
    await write('sum(up');
    await mark('query-error').waitFor();
    const caret = await mark('caret').textContent();
    assert(/\n\s*\^/.test(caret), JSON.stringify(caret));
    assert(/\) is missing/.test(await mark('query-hint').textContent()), 'a hint');
    expectedFailure = null;
  });
  await check('query: an empty answer says why', async () => {
    await open('/query?g0.expr=upp&g0.tab=table');
    const said = await mark('why-empty').first().textContent();
    assert(/no metric "upp"/.test(said) && /"up"/.test(said), said);
    await open(`/query?${new URLSearchParams({ 'g0.expr': 'up{job="no such job"}' })}`);
    assert(/no such job/.test(await mark('why-empty').first().textContent()), 'the matcher is named');
  });
  await check('query: several panels, and /graph leads here', async () => {
    await open(`/graph?${new URLSearchParams({ 'g0.expr': '1 + 1', 'g0.tab': '1', 'g1.expr': 'vector(3)', 'g1.tab': '1' })}`);
    await page.waitForURL(/\/query\?/);
    const read = () => mark('result-table').allTextContents();
    const tables = await until('both answers', read, (t) => t.length === 2);
    assert(tables[0].includes('2') && tables[1].includes('3'), String(tables));
    await mark('add-panel').click();
    await mark('panel-2').waitFor();
  });
  await check('query: label text is text', async () => {
    const expr = 'label_replace(vector(1), "x", "<img src=y onerror=alert(1)>", "", "")';
    for (const tab of ['table', 'graph']) {
      await open(`/query?${new URLSearchParams({ 'g0.expr': expr, 'g0.tab': tab })}`);
      await mark('footing').waitFor();
      assert((await page.locator('[data-testid="panel-0"] img').count()) === 0, `an element was made in the ${tab}`);
      assert((await mark('panel-0').textContent()).includes('<img src=y'), `the text is shown in the ${tab}`);
    }
  });
}

async function dashboards() {
  const list = await api('promlet/dashboards');
  await check('dashboards: the list is complete', async () => {
    await open('/dashboards');
    const names = await until('entries', () => mark('dashboard-entry').evaluateAll((e) => e.map((x) => x.dataset.name)), (n) => n.length === list.length);
    assert(list.every((d) => names.includes(d.name)), String(names));
    assert(list.length > 0, 'there is at least one');
  });
  for (const entry of list.filter((d) => !d.error)) {
    await check(`dashboards: ${entry.name} opens`, async () => {
      const panels = await readDashboard(entry.name);
      const wrong = panels.filter((p) => p.error !== null || p.refused !== null);
      assert(wrong.length === 0, JSON.stringify(wrong));
      if (!entry.name.startsWith('grpo-')) return;
      for (const p of panels) {
        // A table of what is over a limit may rightly have no row.
        if (p.kind === 'table') continue;
        assert(!p.empty, `${p.title} is empty`);
        const shown = p.rows + p.values.filter((v) => v !== '').length;
        assert(shown > 0, `${p.title} shows nothing`);
      }
    });
  }
  const first = list.find((d) => d.name === 'grpo-budget') ?? list[0];
  await check('dashboards: numbers are those of the API', async () => {
    if (first.name !== 'grpo-budget') return;
    const panels = await readDashboard(first.name);
    const total = Number(panels.find((p) => p.title === 'Total Budget Usage').values[0]);
    const want = Number((await instant('sum(training_budget_usage_usd)'))[0].value[1]);
    assert(Math.abs(total - want) <= Math.abs(want) * 0.25 + 1, `${total} on the page, ${want} from the API`);
  });
  await check('dashboards: time range, refresh and a large panel are in the address', async () => {
    await open(`/dashboards/${encodeURIComponent(first.name)}`);
    await mark('time-picker').click();
    await mark('quick-15m').click();
    await until('address', () => page.url(), (u) => u.includes('from=now-15m'));
    await mark('refresh-interval').selectOption('10s');
    await until('address', () => page.url(), (u) => u.includes('refresh=10s'));
    await mark('panel').first().hover();
    await mark('panel').first().getByRole('button', { name: /^enlarge/ }).click();
    await until('one panel', () => mark('panel').count(), (n) => n === 1);
    assert(page.url().includes('viewPanel='), page.url());
    await page.reload();
    await mark('panel').first().waitFor();
    assert((await mark('panel').count()) === 1, 'the address opens the large panel');
  });
}

async function alerts() {
  const groups = (await api('rules')).groups;
  await check('alerts: every rule with its state', async () => {
    await open('/alerts');
    const rules = groups.flatMap((g) => g.rules);
    assert(rules.length > 0, 'rules are loaded');
    const names = await until('rules', () => mark('rule').evaluateAll((r) => r.map((x) => x.dataset.name)), (n) => n.length === rules.length);
    assert(rules.every((r) => names.includes(r.name)), String(names));
    await mark('filter').fill(rules[0].name);
    await until('filtered', () => mark('rule').count(), (n) => n >= 1 && n <= rules.length);
    assert(page.url().includes('search='), 'the filter is in the address');
  });
  await check('alerts: a rule opens and links to its graph', async () => {
    await open('/alerts');
    const rule = mark('rule').first();
    const toggle = rule.locator('.rule-toggle');
    if ((await toggle.getAttribute('aria-expanded')) !== 'true') await toggle.click();
    const link = await rule.getByRole('link', { name: 'Graph' }).getAttribute('href');
    assert(new URLSearchParams(link.split('?')[1]).get('g0.expr') === (await rule.locator('pre').first().textContent()), link);
  });
  await check('alerts: who heard of an alert, and why', async () => {
    await open('/alerts?state=firing');
    await mark('why-button').first().click();
    const route = mark('story-route').first();
    await route.waitFor();
    const text = await route.innerText();
    assert(/by route/.test(text) && /told|waiting|sending|failing|held/.test(text), text);
  });
  await check('alerts: a silence is made, listed and expired', async () => {
    await open('/alerts?tab=silences');
    await mark('new-silence').click();
    const dialog = mark('silence-dialog');
    await dialog.getByLabel('value').fill('BrowserTestOnly');
    await mark('silence-duration').fill('5m');
    await mark('silence-author').fill('browser test');
    await mark('silence-comment').fill('a <b>test</b>');
    await mark('silence-create').click();
    const own = page.locator('[data-testid="silence"][data-state="active"]', { hasText: 'BrowserTestOnly' });
    await own.waitFor();
    assert((await own.textContent()).includes('a <b>test</b>'), 'the comment is shown as written');
    await own.getByTestId('expire').click();
    await own.waitFor({ state: 'detached' });
  });
  await check('alerts: deliveries', async () => {
    const sent = await api('promlet/deliveries?limit=200');
    await open('/alerts?tab=deliveries');
    await mark('deliveries').waitFor();
    if (sent.length > 0) {
      await mark('delivery').first().waitFor();
      assert((await mark('delivery').first().textContent()).includes(sent[0].receiver) || sent.length > 1, 'the receiver is named');
    }
  });
}

async function rest() {
  await check('targets: each with its health', async () => {
    const { activeTargets } = await api('targets');
    await open('/targets');
    const shown = await until('targets', () => mark('target').evaluateAll((t) => t.map((x) => x.dataset.health)), (t) => t.length === activeTargets.length);
    assert(shown.includes('up'), String(shown));
    const text = await mark('page-targets').textContent();
    for (const t of activeTargets) assert(text.includes(t.scrapeUrl), t.scrapeUrl);
    await page.getByRole('button', { name: /^Down/ }).click();
    await until('address', () => page.url(), (u) => u.includes('health=down'));
    assert((await mark('target').count()) === activeTargets.filter((t) => t.health === 'down').length, 'the filter holds');
  });
  await check('status: build, runtime, storage, flags, configuration', async () => {
    const build = await api('status/buildinfo');
    await open('/status');
    await mark('build').waitFor();
    await until('build', () => mark('build').textContent(), (t) => t.includes(build.version));
    await page.getByRole('button', { name: 'Storage' }).click();
    await mark('head').waitFor();
    await page.getByRole('button', { name: 'Flags' }).click();
    await until('flags', () => mark('flags').textContent(), (t) => t.includes('storage.tsdb.path'));
    await page.getByRole('button', { name: 'Configuration' }).click();
    await until('configuration', () => mark('config').textContent(), (t) => t.length > 20);
  });
  await check('unknown paths are no pages', async () => {
    expectedFailure = '/no/such/page';
    const response = await open('/no/such/page');
    assert(response.status() === 404, `answered ${response.status()}`);
    expectedFailure = null;
  });
}

try {
  await shell();
  await queries();
  await dashboards();
  await alerts();
  await rest();
  await check('no error on the console', () => assert(complaints.length === 0 && blocked === tried, `${complaints.join('\n')}; ${blocked - tried} inline scripts were stopped`));
  await check('nothing is asked of any other host', () => assert(foreign.length === 0, foreign.join('\n')));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
