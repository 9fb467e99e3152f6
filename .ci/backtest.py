#!/usr/bin/env python3
"""`promlet rules backtest` beside Prometheus: the same history fed to both, the same rules.

Recording rules are evaluated by `promtool tsdb create-blocks-from rules`; for each alert Prometheus answers a range query of its
expression at the moments that promlet names, and `for` is applied here by hand. Every label set's pending, firing and resolved times
must be those of the report, which must be the same from promlet's API, from Prometheus's API and from the data folder. Usage:

    backtest.py [--port N] [--hours N] [--targets N] [--series N] PROMLET FLEET PEERS_BIN

Exits 1 when anything differs; prints one line per difference and `N passed, N failed`.
"""
import argparse, calendar, json, os, re, shutil, signal, subprocess, sys, tempfile, time, urllib.error, urllib.parse, urllib.request

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, default=19360)
options.add_argument("--hours", type=float, default=8)
options.add_argument("--targets", type=int, default=1)
options.add_argument("--series", type=int, default=1000)
options.add_argument("--keep", action="store_true")
options.add_argument("promlet")
options.add_argument("fleet")
options.add_argument("peers")
options = options.parse_args()
P, Q = options.port, options.port + 1
passed, failed = 0, []
SLOT = 15
END = int(time.time()) // SLOT * SLOT - 60
START = END - int(options.hours * 3600)

RECORDING = """
groups:
  - name: all
    interval: 15s
    rules:
      - {record: "instance:cpu:busy", expr: 'sum by (instance) (rate(node_cpu_seconds_total{mode!="idle"}[5m]))'}
      - {record: "instance:gpu:temp", expr: 'max by (instance) (avg_over_time(DCGM_FI_DEV_GPU_TEMP[2m]))'}
"""
ALERTING = """
      - {alert: BudgetHigh, expr: "training_budget_utilization_percent > 90", for: 5m, labels: {severity: ticket}}
      - {alert: BudgetLow, expr: "training_budget_utilization_percent < 15"}
      - {alert: Loaded, expr: "node_load1 > 12 and node_load1 > node_load5", for: 1m}
      - {alert: FewJobs, expr: "sum by (instance) (increase(training_jobs_completed_total[10m])) < 40", for: 2m}
      - {alert: GpuWarm, expr: "instance:gpu:temp > 70", for: 1m}
      - {alert: GpuWarmBusy, expr: "instance:gpu:temp > 60 and on (instance) node_load1 > 10", for: 30s}
      - {alert: Busy, expr: "instance:cpu:busy > avg_over_time(instance:cpu:busy[30m]) * 1.001", for: 45s}
      - {alert: Slow, expr: "histogram_quantile(0.95, sum by (le, instance) (rate(training_iteration_duration_seconds_bucket[5m]))) > 5", for: 10m}
"""
ROUTES = """
route: {receiver: all, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
receivers: [{name: all, webhook_configs: [{url: "http://127.0.0.1:9/"}]}]
"""


def check(what, good, detail=""):
    global passed
    if good:
        passed += 1
    else:
        failed.append(what)
        print(f"FAIL {what}: {detail}")


def ask(port, path, **parameters):
    data = urllib.parse.urlencode(parameters).encode() if parameters else None
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data=data, timeout=120) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{path} {parameters}: {error.read().decode()}")


def ready(port):
    for _ in range(600):
        try:
            return ask(port, "/-/ready")
        except (OSError, SystemExit):
            time.sleep(0.1)
    sys.exit(f"port {port} is not ready")


def start(folder, program, *arguments):
    log = open(f"{folder}.log", "ab")
    return subprocess.Popen([program, *arguments], stdout=log, stderr=log)


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def seconds(text):
    day, clock = text.rstrip("Z").split("T")
    clock, _, fraction = clock.partition(".")
    return round(calendar.timegm(time.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S")) + float("0." + (fraction or "0")), 3)


def episodes(rule):
    out = []
    for one in rule["alert"]["episodes"]:
        labels = {k: v for k, v in one["labels"].items() if k not in ("alertname", "severity")}
        out.append((json.dumps(labels, sort_keys=True), seconds(one["pendingSince"]), seconds(one["firedAt"]),
                    seconds(one["resolvedAt"]) if one["resolvedAt"] else None))
    return sorted(out, key=str)


def backtest(files, *where):
    # The whole history, which the evaluation before the window may reach into.
    began = time.time()
    command = [options.promlet, "rules", "backtest", *files, "--format", "json", f"--since={int((options.hours - 2) * 3600)}s", f"--until={END}", *where]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    print(f"{' '.join(where)}: {time.time() - began:.1f} s")
    return json.loads(done.stdout)


def by_hand(rule, shift):
    """Prometheus's values at the rule's moments, held for `for`; an episode that ends before the window is no episode."""
    first, window = seconds(rule["firstEvaluation"]), seconds(REPORT["from"])
    count = int((END - first) // SLOT) + 1
    expr, seen = rule["expr"], {}
    for begin in range(0, count, 10_000):
        low, high = first + begin * SLOT, first + (min(begin + 10_000, count) - 1) * SLOT
        answer = json.loads(ask(Q, "/api/v1/query_range", query=expr, start=f"{low + shift:.3f}", end=f"{high + shift:.3f}", step=SLOT))
        for series in answer["data"]["result"]:
            labels = {k: v for k, v in series["metric"].items() if k != "__name__"}
            moments = seen.setdefault(json.dumps(labels, sort_keys=True), set())
            moments.update(round((float(at) - shift - first) / SLOT) for at, _ in series["values"])
    out = []
    for labels, moments in seen.items():
        since = fired = None
        for tick in range(count + 1):
            at = round(first + tick * SLOT, 3)
            if tick in moments and tick < count:
                since = tick if since is None else since
                if fired is None and (tick - since) * SLOT >= rule["forSeconds"]:
                    fired = tick
                continue
            if fired is not None and (tick == count or at >= window):
                out.append((labels, round(first + since * SLOT, 3), round(first + fired * SLOT, 3), None if tick == count else at))
            since = fired = None
    return sorted(out, key=str)


folder = tempfile.mkdtemp(prefix="backtest")
running = []
try:
    for name, text in (("recording.yml", RECORDING), ("rules.yml", RECORDING + ALERTING), ("prometheus.yml", "global: {evaluation_interval: 15s}\n"),
                       ("alertmanager.yml", ROUTES)):
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
    config = [f"--config.file={folder}/prometheus.yml", "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=10y"]
    promlet = [options.promlet, *config, f"--alertmanager.config.file={folder}/alertmanager.yml", f"--storage.tsdb.path={folder}/p", f"--web.listen-address=127.0.0.1:{P}"]
    prometheus = [f"{options.peers}/prometheus", *config, "--web.enable-admin-api", f"--web.listen-address=127.0.0.1:{Q}"]
    running = [start(f"{folder}/p", *promlet), start(f"{folder}/q", *prometheus, f"--storage.tsdb.path={folder}/q")]
    ready(P), ready(Q)
    began = time.time()
    feed = [options.fleet, "feed", f"--targets={options.targets}", f"--series={options.series}", f"--start={START}", f"--end={END}", f"--step={SLOT}"]
    subprocess.run([*feed, f"--url=http://127.0.0.1:{P}/api/v1/write", f"--url=http://127.0.0.1:{Q}/api/v1/write"], check=True, stdout=subprocess.DEVNULL)
    print(f"fed in {time.time() - began:.1f} s")
    REPORT = backtest([f"{folder}/rules.yml"], f"--url=http://127.0.0.1:{P}")
    other = backtest([f"{folder}/rules.yml"], f"--url=http://127.0.0.1:{Q}", f"--alertmanager={folder}/alertmanager.yml")
    for rule, theirs in zip(REPORT["rules"], other["rules"]):
        check(f"{rule['name']} over Prometheus's API", rule["alert"] == theirs["alert"] and rule["evaluationsWithAResult"] == theirs["evaluationsWithAResult"],
              f"{rule['evaluationsWithAResult']} and {theirs['evaluationsWithAResult']} results")
    check("notifications over Prometheus's API", REPORT["notifications"] == other["notifications"], f"{len(REPORT['notifications'])} and {len(other['notifications'])}")
    recording = [f"--start={START}", f"--end={END}", f"--url=http://127.0.0.1:{Q}", f"--output-dir={folder}/blocks", "--eval-interval=15s", f"{folder}/recording.yml"]
    subprocess.run([f"{options.peers}/promtool", "tsdb", "create-blocks-from", "rules", *recording], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Beside newer blocks Prometheus drops what is in its head: all of it has to be a block first.
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{Q}/api/v1/admin/tsdb/snapshot", method="POST"), timeout=120).read()
    stop(running.pop())
    (snapshot,) = os.listdir(f"{folder}/q/snapshots")
    for block in os.listdir(f"{folder}/blocks"):
        shutil.move(f"{folder}/blocks/{block}", f"{folder}/q/snapshots/{snapshot}/{block}")
    running.append(start(f"{folder}/q", *prometheus, f"--storage.tsdb.path={folder}/q/snapshots/{snapshot}"))
    ready(Q)
    middle = START + (END - START) // 2
    raw = json.loads(ask(Q, "/api/v1/query", query="instance:cpu:busy[2m]", time=middle))["data"]["result"]
    check("promtool's recorded series are there", len(raw) == options.targets, f"{len(raw)} series")
    # Between two samples of the target nothing changes; a query comes behind both what promtool recorded there and what we did.
    (sample, *_) = json.loads(ask(Q, "/api/v1/query", query="node_load1[2m]", time=middle))["data"]["result"]
    phase = float(sample["values"][0][0])
    theirs = (float(raw[0]["values"][0][0]) - phase) % SLOT
    told = 0
    for rule in REPORT["rules"]:
        if rule["type"] != "alerting":
            continue
        ours = (seconds(rule["firstEvaluation"]) - phase) % SLOT
        expected, got = by_hand(rule, max(0.0, theirs - ours + 0.002) if "instance:" in rule["expr"] else 0.0), episodes(rule)
        told += len(got)
        differing = [one for one in expected if one not in got] + [one for one in got if one not in expected]
        check(f"{rule['name']}: {len(got)} firings", not differing, f"Prometheus has {len(expected)}; first {differing[:4]}")
        print(f"  {rule['name']}: {len(got)} firings of {len(rule['alert']['labelSets'])} label sets, {100 * rule['alert']['shareFiring']:.1f} % of the time")
    check("there was something to compare", told > 20, f"{told} firings")
    stop(running.pop(0))
    offline = backtest([f"{folder}/rules.yml"], f"--data={folder}/p", f"--config.file={folder}/prometheus.yml", f"--alertmanager={folder}/alertmanager.yml")
    check("the data folder says the same", offline["rules"] == REPORT["rules"] and offline["notifications"] == REPORT["notifications"])
    print(f"  {len(REPORT['notifications'])} notifications")
finally:
    for process in running:
        process.kill()
        process.wait()
    if options.keep:
        print(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
