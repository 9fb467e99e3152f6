#!/usr/bin/env python3
"""Live oracle: Prometheus and promlet hold the same samples and are asked the same questions.

Prometheus scrapes recorded exporters and a page that resets, vanishes, breaks and fails, and forwards what it saw to promlet by
remote write (stale markers included); both are fed the same hour of history; both scrape pages that stand still, so that
promlet's own scraping and relabeling is compared too. All questions are asked four times: of what is partly in memory, after
`kill -9`, after a clean end, and once more when the restarted server has taken on new rows. Usage:

    oracle.py [--seconds N] [--bench query.py] PROMLET FLEET PROMETHEUS RECORDING QUERIES

RECORDING is the unpacked recording. Exits 1 when an answer differs; prints one line per difference and `N passed, N failed`.
"""
import argparse, glob, http.server, json, math, os, re, shutil, signal, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.parse, urllib.request

P, Q = "http://127.0.0.1:19301", "http://127.0.0.1:19302"
RECORDED, STILL, PAGES, NOBODY = 19303, 19304, 19305, 19399
TEXT, OPENMETRICS = "text/plain; version=0.0.4; charset=utf-8", "application/openmetrics-text; version=1.0.0; charset=utf-8"
HISTORY = 3600  # seconds of `fleet feed`
HERE = os.path.dirname(os.path.abspath(__file__))


def living(t):
    """The page that moves, at second `t`: what happens to series in a bad week, in a minute."""
    odd = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7e308, 0.1]
    lines = [
        "# TYPE living_requests_total counter",
        f'living_requests_total{{code="200"}} {10 * t}',
        f'living_requests_total{{code="500"}} {3 * (t % 17)}',
        f'living_requests_total{{code="503"}} {7}',
        "# TYPE living_gauge gauge",
        f'living_gauge{{kind="odd"}} {odd[t % len(odd)]}',
        f'living_gauge{{kind="saw"}} {t % 9 - 4}',
        f'living_gauge{{kind="constant"}} 42',
        f'living_gauge{{kind="large"}} {1e300 * (t % 5)}',
        f"living_clock_seconds {t}",
        "# TYPE living_seconds histogram",
    ]
    for size in ("small", "large"):
        scale = {"small": 1, "large": 1000}[size] * (t % 23)
        for le, share in (("0.1", 2), ("0.5", 5), ("1", 5), ("2.5", 9)):
            lines.append(f'living_seconds_bucket{{size="{size}",le="{le}"}} {scale * share}')
        lines += [f'living_seconds_bucket{{size="{size}",le="+Inf"}} {scale * 10}', f'living_seconds_sum{{size="{size}"}} {scale * 7.25}', f'living_seconds_count{{size="{size}"}} {scale * 10}']
    lines += [f'living_endless_bucket{{le="{le}"}} {t * n}' for n, le in enumerate(("1", "2", "4"), 1)]  # no +Inf
    lines += [f'living_wobbly_bucket{{le="{le}"}} {t * n}' for n, le in ((3, "1"), (2, "2"), (5, "+Inf"))]
    lines += [f'living_lost_bucket{{le="{le}"}} {t * n}' for n, le in ((1, "1"), (2, "many"), (5, "+Inf"))]
    lines += [f'living_joined{{slot="{n}",gpu="{n % 2}"}} {t + n}' for n in range(4)]
    lines += [f'living_info{{gpu="{n}",model="m{n}",since="{t // 20}"}} 1' for n in range(2)]
    lines += [f'living_flapping{{n="{n}"}} {t}' for n in range(3) if (t // (3 + n)) % 2]
    lines += [f'living_quantity{{n="{n}"}} {(t * (n + 3)) % 11}' for n in range(6)]
    return "\n".join(lines) + "\n"


class Pages(http.server.BaseHTTPRequestHandler):
    """What both servers scrape; `/living` is asked by Prometheus alone."""

    protocol_version = "HTTP/1.1"
    began = time.time()
    folder = os.path.join(HERE, "..", "tests", "oracle", "pages")

    def page(self):
        """Status, content type, body."""
        path = self.path.split("?")[0]
        if path == "/living":
            t = int(time.time() - Pages.began)
            if t % 30 in (20, 21):
                return 500, TEXT, "down"
            return 200, TEXT, living(t) + ("this is no sample\n" if t % 30 in (25, 26) else "")
        if path == "/times":
            return 200, TEXT, "".join(f"times_{n} {n} {int(Pages.began * 1000) + n}\n" for n in range(3)) + "times_none 4\n"
        if path == "/broken":
            return 200, TEXT, "good 1\n" * 3 + "bad 0x1p3\n"
        if path == "/asked":
            query = urllib.parse.parse_qs(self.path.partition("?")[2])
            return 200, TEXT, "".join(f'asked{{name="{k}",value="{v}"}} 1\n' for k, vs in query.items() for v in vs)
        if path == "/twice":
            return 200, TEXT, 'twice{a="1"} 1\ntwice{a="1"} 1\ntwice{a="1"} 2\n'
        if path in ("/odd", "/untyped"):
            return 200, TEXT if path == "/odd" else None, open(os.path.join(self.folder, "odd.txt")).read()
        if path == "/openmetrics":
            return 200, OPENMETRICS, open(os.path.join(self.folder, "openmetrics.txt")).read()
        if path == "/endless":
            return 200, OPENMETRICS, "no_end 1\n"
        return 404, TEXT, "no such page"

    def do_GET(self):
        status, kind, body = self.page()
        body = body.encode()
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def both_jobs(still):
    """The jobs that Prometheus and promlet have alike."""
    address = f"127.0.0.1:{PAGES}"
    job = lambda name, path, more="": f"- job_name: {name}\n  metrics_path: {path}\n  static_configs: [{{targets: ['{address}']}}]\n{more}"
    rules = (
        "  metric_relabel_configs:\n"
        "  - {source_labels: [__name__], regex: odd_drop_me, action: drop}\n"
        "  - {source_labels: [__name__], regex: odd_(rename)_me, target_label: __name__, replacement: 'odd_${1}d'}\n"
        "  - {source_labels: [pod], regex: '(.+)-[0-9a-f]+-[a-z]+', target_label: deployment}\n"
        "  - {source_labels: [pod], target_label: shard, modulus: 8, action: hashmod}\n"
        "  - {regex: 'zo(n)e', replacement: 'kept_$1', action: labelmap}\n"
        "  - {regex: 'zone|lines', action: labeldrop}\n"
        "  - {source_labels: [quote], target_label: quote, action: uppercase}\n"
    )
    targets = (
        "- job_name: targets\n  metrics_path: /asked\n  params: {x: [one, two], 'y z': ['&=']}\n  static_configs:\n"
        f"  - targets: ['{address}', 'localhost:{PAGES}', '127.0.0.1:{NOBODY}']\n    labels: {{__param_x: given, team: a, __tmp: gone}}\n"
        "  relabel_configs:\n"
        "  - {source_labels: [__address__], regex: '(.*):.*', target_label: host}\n"
        "  - {source_labels: [__param_x, team], separator: '/', target_label: both}\n"
        "  - {target_label: __param_added, replacement: by-rule}\n"
        "  - {source_labels: [host, team], regex: 'localhost;(.)', target_label: instance, replacement: 'box-$1'}\n"
    )
    return (
        f"- job_name: still\n  file_sd_configs: [{{files: ['{still}']}}]\n  relabel_configs: [{{target_label: job, replacement: still}}]\n"
        + job("odd", "/odd", rules)
        + job("honored", "/odd", "  honor_labels: true\n")
        + job("openmetrics", "/openmetrics")
        + job("openmetrics-asked", "/openmetrics", "  scrape_protocols: [PrometheusText0.0.4]\n")
        + job("times", "/times")
        + job("times-ignored", "/times", "  honor_timestamps: false\n")
        + job("broken", "/broken")
        + job("twice", "/twice")
        + job("endless", "/endless")
        + job("untyped", "/untyped")
        + job("fallback", "/untyped", "  fallback_scrape_protocol: PrometheusText0.0.4\n")
        + job("missing", "/missing")
        + job("samples", "/odd", "  sample_limit: 5\n")
        + job("labels", "/odd", "  label_limit: 3\n")
        + job("values", "/odd", "  label_value_length_limit: 16\n")
        + job("names", "/odd", "  label_name_length_limit: 8\n")
        + job("body", "/odd", "  body_size_limit: 100B\n")
        + job("overfull", "/odd", "  target_limit: 1\n").replace(f"['{address}']", f"['{address}', 'localhost:{PAGES}']")
        + job("legacy", "/odd", "  metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: underscores\n")
        + targets
    )


class Run:
    def __init__(self, options):
        self.options = options
        self.work = tempfile.mkdtemp(prefix="oracle-")
        self.processes = {}
        self.passed = self.failed = 0
        self.pending = []

    def path(self, *names):
        return os.path.join(self.work, *names)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def start(self, name, *argv):
        log = open(self.path(name + ".log"), "a")
        self.processes[name] = subprocess.Popen(argv, stdout=log, stderr=log)

    def stop(self, name, how=signal.SIGTERM):
        process = self.processes.pop(name)
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            self.differs(name, f"did not end within 20 s of signal {how}")

    def ready(self, base):
        for _ in range(300):
            try:
                urllib.request.urlopen(base + "/-/ready", timeout=2).read()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{base} does not get ready: see {self.work}")

    def start_promlet(self):
        # The page server and the recorded targets outlive a restart; so does the data folder.
        self.start(
            "promlet", self.options.promlet, f"--config.file={self.path('q', 'prometheus.yml')}", f"--storage.tsdb.path={self.path('q', 'data')}",
            "--web.listen-address=127.0.0.1:19302", "--web.enable-remote-write-receiver",
        )
        self.ready(Q)

    def differs(self, what, why):
        self.failed += 1
        print(f"DIFFERS {what}: {why}", flush=True)

    def agrees(self, what, why):
        if why:
            self.differs(what, why)
        else:
            self.passed += 1


def get(base, path, params):
    """Status and text of an answer."""
    try:
        with urllib.request.urlopen(f"{base}{path}?" + urllib.parse.urlencode(params, doseq=True), timeout=60) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def close(a, b):
    a, b = float(a), float(b)
    return (math.isnan(a) and math.isnan(b)) or a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def notes(answer, kind):
    """Annotations in the words of the 3.5.3 that is asked; ours are those of 3.14."""
    shorter = {re.sub(r"(needed to be fixed for monotonicity).*", r"\1", note) for note in answer.get(kind, [])}
    return {note for note in shorter if "is ineffective for range queries" not in note}


def words(answer):
    """An error; which two of several duplicate series Prometheus names depends on the order in which its head holds them."""
    return answer["errorType"], re.sub(r"operation: \[\{.*\}, \{.*\}\];many", "operation: [two of them];many", answer["error"])


def difference(query, one, two):
    (status, a), (status_too, b) = ((status, json.loads(body or "{}")) for status, body in (one, two))
    if a.get("status") != b.get("status") or status != status_too:
        return f"{status} {a.get('error', a.get('status'))} / {status_too} {b.get('error', b.get('status'))}"
    if a["status"] == "error":
        return None if words(a) == words(b) else f"{words(a)} / {words(b)}"
    for kind in ("warnings", "infos"):
        if notes(a, kind) != notes(b, kind):
            return f"{kind} {a.get(kind)} / {b.get(kind)}"
    a, b = a["data"], b["data"]
    if a["resultType"] != b["resultType"]:
        return f"{a['resultType']} / {b['resultType']}"
    if a["resultType"] in ("scalar", "string"):
        same = close(a["result"][1], b["result"][1]) if a["resultType"] == "scalar" else a["result"] == b["result"]
        return None if same and a["result"][0] == b["result"][0] else f"{a['result']} / {b['result']}"
    return series_differ(query, a["resultType"], a["result"], b["result"])


def series_differ(query, kind, x, y):
    key = lambda s: json.dumps(s["metric"], sort_keys=True)
    # A matrix is sorted by labels; a vector has an order only where the query gives it one, and ties have none.
    if kind == "vector":
        if re.match(r"(sort|topk|bottomk)", query) and not all(close(s["value"][1], t["value"][1]) for s, t in zip(x, y)):
            return f"order: {[s['value'][1] for s in x][:9]} / {[s['value'][1] for s in y][:9]}"
        x, y = sorted(x, key=key), sorted(y, key=key)
    if [key(s) for s in x] != [key(s) for s in y]:
        only, only_too = ({key(s) for s in p} - {key(s) for s in q} for p, q in ((x, y), (y, x)))
        return f"{len(x)} / {len(y)} series, {sorted(only)[:1]} / {sorted(only_too)[:1]}" if only or only_too else "other order of series"
    for s, t in zip(x, y):
        v, w = s.get("values") or [s["value"]], t.get("values") or [t["value"]]
        if [p[0] for p in v] != [p[0] for p in w]:
            return f"other times in {key(s)}: {len(v)} / {len(w)} points, {sorted({p[0] for p in v} ^ {p[0] for p in w})[:3]}"
        for (at, one), (_, two) in zip(v, w):
            if not close(one, two):
                return f"{key(s)} at {at}: {one} / {two}"
    return None


def plain_difference(sort, one, two):
    """Of endpoints without samples; `sort` where the order means nothing."""
    if one == two:
        return None
    a, b = (json.loads(body) if body.startswith("{") else body for _, body in (one, two))
    if isinstance(a, str) or isinstance(b, str) or one[0] != two[0] or a.get("status") != b.get("status"):
        return f"{one[0]} {one[1][:300]!r} / {two[0]} {two[1][:300]!r}"
    if a["status"] == "error":
        return None if (a["error"], a["errorType"]) == (b["error"], b["errorType"]) else f"{a['error']} / {b['error']}"
    x, y = a.get("data"), b.get("data")
    if sort and isinstance(x, list):
        x, y = (sorted(v, key=lambda e: json.dumps(e, sort_keys=True)) for v in (x, y))
    if x == y and a.get("warnings") == b.get("warnings"):
        return None
    if isinstance(x, list) and isinstance(y, list):
        only, only_too = ([e for e in p if e not in q] for p, q in ((x, y), (y, x)))
        return f"{len(x)} / {len(y)} entries, {only[:2]} / {only_too[:2]}"
    if isinstance(x, dict) and isinstance(y, dict):
        other = [k for k in sorted({*x, *y}) if x.get(k) != y.get(k)]
        return f"{other[:5]}: {str(x.get(other[0]))[:200]} / {str(y.get(other[0]))[:200]}" if other else "warnings"
    return f"{x} / {y}"


def calls(kind, text, moments):
    """The requests of one line: `(path, parameters)`."""
    begin, end, old = moments["begin"], moments["end"], moments["fed"]
    for name, at in moments.items():
        text = text.replace("{%s}" % name, str(at))
    if kind == "range":
        spans = [(begin, end, 1), (begin + 3.2, end, 3.7)]
        return [("/api/v1/query_range", dict(query=text, start=a, end=b, step=step)) for a, b, step in spans]
    if kind == "history":
        spans = [(old - HISTORY - 60, min(old + 400, end), 60), (old - 1800.3, old - 1000, 7)]
        ranges = [("/api/v1/query_range", dict(query=text, start=a, end=b, step=step)) for a, b, step in spans]
        return ranges + [("/api/v1/query", dict(query=text, time=at)) for at in (old - 1000, old - 15, old + 299)]
    if kind == "still":
        return [("/api/v1/query", dict(query=text, time=end))]
    if kind in ("instant", "error"):
        times = (end, end - 7.3, begin + 20) if kind == "instant" else (end,)
        return [("/api/v1/query", dict(query=text, time=at)) for at in times]
    path, _, query = text.partition("?")
    return [(path, urllib.parse.parse_qsl(query, keep_blank_values=True))]


def compare(run, lines, moments, stage):
    for kind, text in lines:
        for path, params in calls(kind, text, moments):
            one, two = get(P, path, params), get(Q, path, params)
            if kind == "get":
                why = plain_difference("/series" in path, one, two)
            elif kind == "count":
                count = lambda body: [(len(d), r.get("warnings")) for r in [json.loads(body)] for d in [r["data"]["result"] if "result" in r["data"] else r["data"]]]
                why = None if count(one[1]) == count(two[1]) else f"{count(one[1])} / {count(two[1])}"
            elif kind == "federate":
                drop = lambda body: sorted(re.sub(r" [0-9]{13}$", "", line) for line in body.split("\n") if line)
                why = None if drop(one[1]) == drop(two[1]) else f"{[l for l in drop(one[1]) if l not in drop(two[1])][:2]} / {[l for l in drop(two[1]) if l not in drop(one[1])][:2]}"
            else:
                why = difference(text, one, two)
                if not why and kind == "error" and one[0] == 200:
                    why = "no error at all"
            at = {k: v for k, v in dict(params).items() if k in ("time", "start", "step")} if isinstance(params, dict) else ""
            run.agrees(f"({stage}) {kind} {text} {at}", why)
    print(f"-- {stage}: {run.passed} passed, {run.failed} failed so far ({time.time() - Pages.began:.0f} s)", flush=True)


def feed(run):
    """The same history to both. Prometheus first: its head must not yet be younger."""
    end = int(time.time()) - 280  # so that its last samples leave the lookback while the rest is watched
    urls = [f"--url={base}/api/v1/write" for base in (P, Q)]
    shape = ["--targets", "10", "--series", "300", "--jitter-ms", "7", "--start", str(end - HISTORY), "--end", str(end)]
    subprocess.run([run.options.fleet, "feed", *shape, *urls], check=True, stdout=subprocess.DEVNULL)
    return end


def bench(run, fed):
    """The benchmark's queries agree."""
    if not run.options.bench:
        return
    servers = ["--server", f"prometheus={P}", "--server", f"promlet={Q}"]
    argv = [sys.executable, run.options.bench, *servers, "--start", str(fed - HISTORY), "--end", str(fed), "--runs", "1"]
    out = subprocess.run(argv, capture_output=True, text=True)
    if out.returncode != 0:
        run.differs("bench", out.stderr[-500:])
    for line in map(json.loads, out.stdout.splitlines()):
        run.agrees(f"bench {line['query']}", line.get("promlet differs"))


def settled(run, moments):
    """Everything up to `end` has been forwarded."""
    want = 'count_over_time(living_clock_seconds[1m])'
    for _ in range(60):
        a, b = (get(base, "/api/v1/query", dict(query=want, time=moments["end"]))[1] for base in (P, Q))
        if json.loads(a).get("data") == json.loads(b).get("data"):
            return
        time.sleep(0.5)
    run.differs("remote write", "what Prometheus forwards does not arrive")


def encoded(run):
    """Bytes of rows that have left memory."""
    return sum(os.path.getsize(path) for path in glob.glob(run.path("q", "data", "promlet", "segment-*")))


def main(run):
    options = run.options
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PAGES), Pages)
    server.handle_error = lambda *_: None  # a client that was killed
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sd, still = run.path("sd.json"), run.path("still.json")
    run.start("replay", options.fleet, "replay", "--pages", options.recording, "--every", "1", "--listen", f"127.0.0.1:{RECORDED}", "--sd-file", sd)
    run.start("still", options.fleet, "replay", "--pages", options.recording, "--every", "100000", "--listen", f"127.0.0.1:{STILL}", "--sd-file", still)
    time.sleep(0.5)
    scrape = "global: {scrape_interval: 500ms, external_labels: {box: here}}\nscrape_configs:\n" + both_jobs(still)
    alone = (
        f"- job_name: recorded\n  file_sd_configs: [{{files: ['{sd}']}}]\n  relabel_configs: [{{target_label: job, replacement: recorded}}]\n"
        f"- job_name: living\n  metrics_path: /living\n  static_configs: [{{targets: ['127.0.0.1:{PAGES}']}}]\n"
        f"remote_write:\n- url: {Q}/api/v1/write\n  queue_config: {{min_shards: 2, max_samples_per_send: 500, batch_send_deadline: 1s}}\n"
        "  write_relabel_configs: [{source_labels: [job], regex: recorded|living, action: keep}, {regex: box, action: labeldrop}]\n"
        "storage: {tsdb: {out_of_order_time_window: 3h}}\n"
    )
    run.write("q/prometheus.yml", scrape)
    run.start_promlet()
    argv = ["--web.listen-address=127.0.0.1:19301", "--log.level=warn", "--web.enable-remote-write-receiver"]
    run.start("prometheus", options.prometheus, f"--config.file={run.write('p/prometheus.yml', scrape + alone)}", f"--storage.tsdb.path={run.path('p', 'data')}", *argv)
    run.ready(P)
    fed = feed(run)
    begin = time.time() + 5
    time.sleep(options.seconds)
    moments = {"begin": round(begin, 3), "end": int(time.time()) - 3, "fed": fed}
    lines = [line.strip().split(" ", 1) for line in open(options.queries) if line.strip() and not line.startswith("#")]
    settled(run, moments)
    bench(run, fed)
    compare(run, lines, moments, "as it runs")
    past = [(kind, text) for kind, text in lines if kind in ("instant", "range", "history")]
    run.stop("promlet", signal.SIGKILL)
    run.agrees("segments", None if encoded(run) > 100_000 else f"only {encoded(run)} bytes of rows have been encoded")
    run.start_promlet()
    compare(run, past, moments, "after kill -9")
    run.stop("promlet")
    run.start_promlet()
    compare(run, past, moments, "after a clean end")
    bench(run, fed)
    time.sleep(2)
    settled(run, {"end": int(time.time()) - 2})
    compare(run, lines, moments, "later")
    print(f"{run.passed} passed, {run.failed} failed")
    return run.failed > 0


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seconds", type=float, default=70)
parser.add_argument("--bench")
for name in ("promlet", "fleet", "prometheus", "recording", "queries"):
    parser.add_argument(name)
run, code = Run(parser.parse_args()), 2
try:
    code = int(main(run))
finally:
    # Prometheus first, and at once: it would wait a minute for promlet to take what it forwards.
    for name in ("prometheus", *run.processes):
        if name in run.processes:
            run.stop(name, signal.SIGKILL if name == "prometheus" else signal.SIGTERM)
    if code == 0:
        shutil.rmtree(run.work, ignore_errors=True)
    else:
        print(f"logs and data: {run.work}")
sys.exit(code)
