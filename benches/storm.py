#!/usr/bin/env python3
"""A storm: 10 000 alerts in one evaluation, in 1000 groups, to a webhook and a Slack channel, of the real program.

CPU and memory are the process's own from /proc, with the quiet scraping of the page taken off. What is counted is checked as well: every
alert in the API and in the history, each once over the webhooks, Slack's messages exact and at most one a second. `--slow` lets the
receiver answer in two segments, as many small servers do, which costs each message the 40 ms of a delayed acknowledgement.

    python3 -u benches/storm.py [--port N] [--peer PROMETHEUS ALERTMANAGER] [PROMLET]
"""
import argparse, http.server, json, os, re, shutil, signal, socket, sqlite3, subprocess, tempfile, threading, time, urllib.parse, urllib.request

a = argparse.ArgumentParser()
a.add_argument("--port", type=int, default=25050)
a.add_argument("--alerts", type=int, default=10000)
a.add_argument("--groups", type=int, default=1000)
a.add_argument("--interval", type=int, default=10)
a.add_argument("--steady", type=int, default=60)
a.add_argument("--slow", action="store_true")
a.add_argument("--varying", action="store_true", help="each scrape has other values, so that annotations change")
a.add_argument("--post", action="store_true", help="post alerts over the API while it lasts, and time them")
a.add_argument("--cpu-limit", type=float, help="fail where the firing storm takes more CPU seconds")
a.add_argument("--peer", nargs=2, metavar=("PROMETHEUS", "ALERTMANAGER"))
a.add_argument("--perf")
a.add_argument("promlet", nargs="?")
o = a.parse_args()
P, S = o.port, o.port + 1
value, scrapes = [0], [0]
hooks, slack, failed = [], [], []


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0 if o.slow else 1 << 20

    def setup(self):
        super().setup()
        if not o.slow:
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        scrapes[0] += 1
        own = (lambda i: value[0] * (1 + (i + scrapes[0]) % 97)) if o.varying else (lambda i: value[0])
        page = "# TYPE load gauge\n" + "".join(f'load{{i="{i}",g="{i % o.groups}"}} {own(i)}\n' for i in range(o.alerts))
        self.answer(page.encode(), "text/plain; version=0.0.4")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        at = time.time()
        (slack if self.path == "/slack" else hooks).append((at, json.loads(body)))
        self.answer(b"ok" if self.path == "/slack" else b"{}", "text/plain" if self.path == "/slack" else "application/json")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512


threading.Thread(target=Server(("127.0.0.1", S), Sink).serve_forever, daemon=True).start()
d = tempfile.mkdtemp(prefix="storm")
peer_alerting = f'alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{P + 2}"]}}]}}]}}' if o.peer else ""
open(f"{d}/prometheus.yml", "w").write(f"""global: {{scrape_interval: {o.interval}s, evaluation_interval: {o.interval}s}}
rule_files: [r.yml]
{peer_alerting}
scrape_configs: [{{job_name: page, static_configs: [{{targets: ["127.0.0.1:{S}"]}}]}}]
""")
open(f"{d}/r.yml", "w").write("""groups: [{name: storm, rules: [{alert: Storm, expr: load > 0, labels: {severity: page}, annotations: {summary: "{{ $labels.i }} of {{ $labels.g }} has {{ $value | humanize }}", description: "This is the description of {{ $labels.i }}"}}]}]
""")
open(f"{d}/alertmanager.yml", "w").write(f"""route:
  receiver: both
  group_by: [g]
  group_wait: 1s
  group_interval: 30s
  repeat_interval: 4h
receivers:
  - name: both
    webhook_configs: [{{url: "http://127.0.0.1:{S}/hook"}}]
    slack_configs: [{{api_url: "http://127.0.0.1:{S}/slack", channel: "#ops", send_resolved: true}}]
""")
flags = [f"--config.file={d}/prometheus.yml", f"--storage.tsdb.path={d}/data", f"--web.listen-address=127.0.0.1:{P}"]
if o.peer:
    commands = [[o.peer[0], *flags], [o.peer[1], f"--config.file={d}/alertmanager.yml", f"--storage.path={d}/am", f"--web.listen-address=127.0.0.1:{P + 2}", "--cluster.listen-address="]]
else:
    commands = [[o.promlet, *flags]]
log = open(f"{d}/log", "w")
running = [subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) for command in commands]


def cpu():
    """Seconds on a CPU, of all threads, as the scheduler counts them."""
    total = 0
    for p in running:
        f = open(f"/proc/{p.pid}/stat").read().rsplit(")", 1)[1].split()
        total += (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")
    return total


def mem(key):
    return sum(int(re.search(key + r":\s+(\d+)", open(f"/proc/{p.pid}/status").read())[1]) for p in running) / 1024


def get(path, port=P):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30).read().decode()


def query(q):
    return json.loads(get("/api/v1/query?query=" + urllib.parse.quote(q)))["data"]["result"]


def wait(what, seconds=180):
    end = time.time() + seconds
    while time.time() < end:
        if what():
            return True
        time.sleep(0.05)
    failed.append("not seen in time")
    return False


def hold(good, what):
    if not good:
        failed.append(what)
        print("FAILED:", what)


def to_the_tick():
    wait(lambda: time.time() % o.interval < 0.1)


def commits():
    found = re.search(r"^promlet_state_commits_total (\d+)", get("/metrics"), re.M)
    return int(found[1]) if found else 0


class Posting(threading.Thread):
    """Alerts over the API, one after the other, each timed until it is answered."""

    def __init__(self):
        super().__init__(daemon=True)
        self.took, self.ends = [], False
        self.start()

    def run(self):
        n = 0
        while not self.ends:
            n += 1
            body = json.dumps([{"labels": {"alertname": "Posted", "n": str(n % 50), "g": "posted"}}]).encode()
            request = urllib.request.Request(f"http://127.0.0.1:{P}/api/v2/alerts", body, {"Content-Type": "application/json"})
            t0 = time.time()
            urllib.request.urlopen(request, timeout=30).read()
            self.took.append(time.time() - t0)
            time.sleep(0.05)


def slack_count(message):
    """FIRING:n of the title."""
    found = re.search(r"FIRING:(\d+)", json.dumps(message))
    return int(found[1]) if found else None


def told(status, since):
    return [x["labels"]["i"] for _, h in hooks[since:] for x in h["alerts"] if x["status"] == status and "i" in x["labels"]]


try:
    time.sleep(2)
    wait(lambda: (r := query("count(load)")) and r[0]["value"][1] == str(o.alerts))
    time.sleep(2 * o.interval)
    c0, t0 = cpu(), time.time()
    time.sleep(3 * o.interval)
    base = (cpu() - c0) / (time.time() - t0)
    print(f"quiet: {base:.4f} CPU s/s (scraping {o.alerts} lines every {o.interval} s, a rule without a result), {mem('VmRSS'):.0f} MB")
    to_the_tick()
    if o.perf:
        perf = subprocess.Popen(["perf", "record", "-q", "-F", "2000", "--call-graph", "dwarf,16384", "-o", o.perf, "-p", str(running[0].pid)], stderr=subprocess.DEVNULL)
    value[0] = 1
    n0, c0, t0 = commits(), cpu(), time.time()
    posting = Posting() if o.post else None
    wait(lambda: told("firing", 0))
    first = time.time()
    wait(lambda: len(told("firing", 0)) >= o.alerts and slack)
    last = time.time()
    time.sleep(2)
    c1, t1 = cpu(), time.time()
    if o.perf:
        perf.send_signal(signal.SIGINT)
        perf.wait()
    storm = c1 - c0 - base * (t1 - t0)
    print(f"fire: {storm:.2f} s CPU beyond quiet over {t1 - t0:.1f} s, {commits() - n0} commits; first webhook after {first - t0:.1f} s, last {last - first:.2f} s later; "
          f"{len(hooks)} webhooks, {len(slack)} Slack; {mem('VmRSS'):.0f} MB, peak {mem('VmHWM'):.0f}")
    if posting:
        posting.ends = True
        posting.join()
        took = sorted(posting.took)
        print(f"  POST /api/v2/alerts: {len(took)}, median {took[len(took) // 2] * 1000:.0f} ms, 99 of 100 within {took[len(took) * 99 // 100] * 1000:.0f} ms, longest {took[-1] * 1000:.0f} ms")
        hold(took[len(took) * 99 // 100] < 1, "99 of 100 posts within a second")
    each = sorted(told("firing", 0))
    hold(bool(o.peer) or each == sorted(str(i) for i in range(o.alerts)), f"every alert once over the webhooks ({len(each)}, {len(set(each))} different)")
    if o.cpu_limit:
        hold(storm <= o.cpu_limit, f"{storm:.2f} s of CPU, more than {o.cpu_limit}")
    if not o.peer:
        api = {x["labels"].get("i") for x in json.loads(get("/api/v2/alerts")) if x["labels"]["alertname"] == "Storm"}
        hold(len(api) == o.alerts, f"every alert in the API: {len(api)}")
        db = sqlite3.connect(f"file:{d}/data/promlet/state.db?mode=ro", uri=True)
        count = lambda word: db.execute("select count(distinct fingerprint), count(*) from decisions where decision = ? and labels like '%Storm%'", [word]).fetchone()
        hold(count("firing") == (o.alerts, o.alerts), f"every alert's beginning once in the history: {count('firing')}")
        hold(count("notified")[0] == o.alerts, f"every alert's message in the history: {count('notified')}")
        print("  history:", db.execute("select decision, count(*) from decisions group by 1").fetchall(), db.execute("select outcome, count(*) from deliveries group by 1").fetchall())
    time.sleep(max(0, 60 - (time.time() - slack[0][0])))
    minute = [s for at, s in slack if at < slack[0][0] + 60]
    gaps = [b[0] - a_[0] for a_, b in zip(slack, slack[1:])]
    if not o.peer:
        hold(len(minute) <= 5, f"{len(minute)} Slack messages in the first minute")
        hold(all(gap >= 0.95 for gap in gaps), f"two Slack messages within {min(gaps, default=0):.2f} s")
        told_slack = sum(slack_count(s) or 1 for s in minute)
        hold(told_slack == o.alerts or posting, f"Slack tells of {told_slack} alerts")
        print(f"  Slack in the first minute: {len(minute)} messages telling of {told_slack} alerts")
    to_the_tick()
    time.sleep(o.interval / 2)
    h0, s0, c0, t0 = len(hooks), len(slack), cpu(), time.time()
    rounds = max(1, o.steady // o.interval)
    time.sleep(rounds * o.interval)
    c1, t1 = cpu(), time.time()
    print(f"steady with {o.alerts} firing: {(c1 - c0) / rounds:.3f} s CPU an evaluation ({(c1 - c0) / rounds - base * o.interval:.3f} beyond quiet); {mem('VmRSS'):.0f} MB, peak {mem('VmHWM'):.0f}; "
          f"{len(hooks) - h0} webhooks, {len(slack) - s0} Slack")
    h0, s0 = len(hooks), len(slack)
    to_the_tick()
    value[0] = 0
    n0, c0, t0 = commits(), cpu(), time.time()
    wait(lambda: len(told("resolved", h0)) >= o.alerts and len(slack) > s0)
    last = time.time()
    time.sleep(2)
    c1, t1 = cpu(), time.time()
    print(f"resolve: {c1 - c0 - base * (t1 - t0):.2f} s CPU beyond quiet over {t1 - t0:.1f} s, {commits() - n0} commits; {len(hooks) - h0} webhooks, {len(slack) - s0} Slack; {mem('VmRSS'):.0f} MB, peak {mem('VmHWM'):.0f}")
    each = sorted(told("resolved", h0))
    hold(bool(o.peer) or each == sorted(str(i) for i in range(o.alerts)), f"every end once over the webhooks ({len(each)}, {len(set(each))} different)")
    for root, _, files in os.walk(d):
        for name in files:
            if name.startswith("state.db"):
                print(" ", name, os.path.getsize(f"{root}/{name}"))
    for line in get("/metrics").splitlines():
        if re.match(r"promlet_(state_(queue|write|damaged)|alerts_(late|limit|digests))", line):
            print(" ", line)
finally:
    for p in running:
        p.send_signal(signal.SIGTERM)
        p.wait()
    shutil.rmtree(d, ignore_errors=True)
raise SystemExit(1 if failed else 0)
