#!/usr/bin/env python3
"""Rules beside Prometheus: the same files over the same targets; recorded series, ALERTS, ALERTS_FOR_STATE and /api/v1/rules are compared.

Times of evaluation and missed ones, limits, offsets, group labels, chains, holds, series that vanish, errors, reloads (rules and groups removed, renamed, changed),
restarts with restoration, independent rules at the same time. Both evaluate every second; after each change they are given a few
seconds, then asked for the same moment. Usage:

    rules.py [--port N] PROMLET PROMETHEUS

Exits 1 when anything differs; prints one line per difference and `N passed, N failed`.
"""
import argparse, http.server, json, os, shutil, signal, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.parse, urllib.request

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, default=19330)
options.add_argument("promlet")
options.add_argument("prometheus")
options = options.parse_args()
PAGE, P, Q = options.port, options.port + 1, options.port + 2
LOAD, MORE = {"1": 1, "2": 2, "3": 3}, {}
passed, failed = 0, []


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        lines = ["# TYPE load gauge"] + [f'load{{i="{i}"}} {v}' for i, v in LOAD.items()] + [f"{name} {v}" for name, v in MORE.items()]
        body = ("\n".join(lines) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


CONFIG = """
global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s, external_labels: {site: home}%s}
rule_files: ["*.rules.yml"]
scrape_configs:
  - {job_name: page, static_configs: [{targets: ["127.0.0.1:%d"]}]}
"""
FIRST = """
groups:
  - name: chain
    labels: {team: ml, tier: one}
    rules:
      - {record: "rec:double", expr: load * 2, labels: {tier: two}}
      - {record: "rec:chain", expr: 'sum without (instance) (rec:double{team="ml"})'}
      - {record: "rec:scalar", expr: 42}
      - {record: "rec:now", expr: "rec:chain unless rec:chain != 2 * sum without (instance) (load)", labels: {tier: ""}}
  - name: limited
    limit: 2
    rules:
      - {record: "rec:few", expr: 'load{i!="3"}'}
      - {record: "rec:many", expr: load + 0}
      - {alert: Many, expr: load > 0}
  - name: late
    query_offset: 5s
    rules:
      - {record: "rec:late", expr: "count(load) * 0"}
      - {alert: Late, expr: "sum(load) > 10"}
  - name: alerts
    rules:
      - {alert: Now, expr: load > 10, labels: {severity: "{{ if gt $value 30.0 }}page{{ else }}info{{ end }}"}, annotations: {text: "{{ $labels.i }} is {{ $value | humanize }} at {{ $externalLabels.site }}"}}
      - {alert: Slow, expr: load > 10, for: 1h, annotations: {bad: "{{ $labels.i.x }}"}}
      - {alert: Kept, expr: load > 10, keep_firing_for: 1h}
      - {alert: Soon, expr: load > 10, for: 2s, keep_firing_for: 2s}
      - {alert: Seen, expr: 'count by (alertstate) (ALERTS{alertname="Now"}) > 0', labels: {alertstate: ""}}
  - name: errors
    rules:
      - {record: "rec:same", expr: load * 0, labels: {i: same}}
      - {alert: Same, expr: load > 0, labels: {i: same}}
      - {record: "rec:match", expr: load + on () group_left load}
      - {record: "rec:fine", expr: count(load)}
  - name: going
    rules:
      - {record: "rec:gone", expr: load * 0 + 7}
  - name: old
    rules:
      - {record: "rec:moved", expr: load * 0 + 8}
"""
SECOND = FIRST.replace("name: old", "name: new").replace("- {alert: Slow, expr: load > 10, for: 1h", "- {alert: Slow, expr: load > 9, for: 1h")
SECOND = SECOND.replace('      - {record: "rec:scalar", expr: 42}\n', "").replace("name: late\n    query_offset: 5s", "name: late")
SECOND = SECOND.replace('  - name: going\n    rules:\n      - {record: "rec:gone", expr: load * 0 + 7}\n', "").replace("limit: 2", "limit: 3")
EXTERNAL = ["--web.enable-lifecycle", "--rules.alert.for-grace-period=1s", "--enable-feature=concurrent-rule-eval", "--web.external-url=http://here/"]


def ask(port, path, **parameters):
    url = f"http://127.0.0.1:{port}{path}" + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def series(port, at, expr):
    found = {}
    for sample in ask(port, "/api/v1/query", query=expr, time=f"{at:.3f}")["data"]["result"]:
        labels = {k: v for k, v in sample["metric"].items() if k != "instance" or v != f"127.0.0.1:{PAGE}"}
        found[json.dumps(labels, sort_keys=True)] = sample["value"][1]
    return found


def shown_rules(port):
    out = []
    for group in ask(port, "/api/v1/rules")["data"]["groups"]:
        for rule in group["rules"]:
            kept = {k: rule.get(k) for k in ("name", "query", "type", "health", "lastError", "state", "duration", "keepFiringFor", "labels", "annotations")}
            alerts = sorted(([a["labels"], a["annotations"], a["state"], a["value"], "keepFiringSince" in a] for a in rule.get("alerts", [])), key=json.dumps)
            kept["query"] = kept["query"].replace("group_left ()", "group_left")
            kept["lastError"] = (kept["lastError"] or "").split("[")[0]
            out.append([group["name"], group["interval"], group["limit"], kept, alerts])
    return sorted(out, key=json.dumps)


def same(what, p, q):
    global passed
    if p == q:
        passed += 1
    else:
        failed.append(what)
        for mark, a, b in (("prometheus", p, q), ("promlet   ", q, p)):
            only = [x for x in a if x not in b] if isinstance(a, list) else {k: v for k, v in a.items() if b.get(k) != v}
            print(f"{what}\n  {mark} alone: {json.dumps(only)[:1500]}")


def compare(what, wait=3.3, tolerance=2.5):
    time.sleep(wait)
    at = time.time() - 0.15
    same(f"{what}: recorded", *(series(port, at, '{__name__=~"rec:.*"}') for port in (P, Q)))
    same(f"{what}: ALERTS", *(series(port, at, "ALERTS") for port in (P, Q)))
    p, q = (series(port, at, "ALERTS_FOR_STATE") for port in (P, Q))
    same(f"{what}: ALERTS_FOR_STATE", {k: 1 for k in p}, {k: 1 for k in q})
    away = {k: [p[k], q[k]] for k in p.keys() & q.keys() if abs(float(p[k]) - float(q[k])) > tolerance}
    same(f"{what}: active since", {}, away)
    late = [{k: v for k, v in series(port, at, "timestamp(rec:late) <= bool time() - 4").items()} for port in (P, Q)]
    same(f"{what}: offset", *late)
    same(f"{what}: /api/v1/rules", shown_rules(P), shown_rules(Q))


def figures(port):
    """Names of the metrics about rules, and for each group its size, interval and whether evaluations failed."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("prometheus_rule_")]
    found = {line.split("{")[0].split(" ")[0]: 1 for line in lines}
    for line in lines:
        name, _, rest = line.partition("{")
        group, value = rest.split(";")[-1].split('"')[0], rest.rsplit(" ", 1)[-1]
        if name in ("prometheus_rule_group_rules", "prometheus_rule_group_interval_seconds"):
            found[f"{name} {group}"] = float(value)
        if name == "prometheus_rule_evaluation_failures_total":
            found[f"{name} {group}"] = float(value) > 0
    return found


def times(port, at, seconds):
    """When the group `chain` was evaluated in the seconds before."""
    [found] = ask(port, "/api/v1/query", query=f"rec:scalar[{seconds}s]", time=f"{at:.3f}")["data"]["result"]
    return [at for at, _ in found["values"]]


def iterations(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("prometheus_rule_group_iterations") and ";chain" in line]
    return {line.split("{")[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def between_ticks():
    """Half a second from when the group `chain` is evaluated."""
    time.sleep((times(P, time.time(), 8)[-1] + 0.5 - time.time()) % 1)


def pause(seconds):
    """Both stand still; what they missed, and when they went on, is compared to the millisecond."""
    between_ticks()
    before = [iterations(port) for port in (P, Q)]
    between_ticks()
    for sign, wait in ((signal.SIGSTOP, seconds), (signal.SIGCONT, 3)):
        for process in processes:
            process.send_signal(sign)
        time.sleep(wait)
    between_ticks()
    at, after = time.time(), [iterations(port) for port in (P, Q)]
    same(f"{seconds} s without a tick: iterations", *({name: now[name] - then[name] for name in now} for then, now in zip(before, after)))
    same(f"{seconds} s without a tick: times", *(times(port, at, seconds + 6) for port in (P, Q)))


def start():
    """Both at once, since how long each was down counts."""
    for binary, port, folder in zip(binaries, (P, Q), folders):
        command = [binary, "--config.file=prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]
        log = open(f"{folder}/log", "ab")
        processes.append(subprocess.Popen(command + EXTERNAL, stdout=log, stderr=log, cwd=folder))
    for port, folder in zip((P, Q), folders):
        for _ in range(150):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        else:
            sys.exit(f"{folder} is not ready: {open(f'{folder}/log').read()[-2000:]}")


def stop():
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(timeout=20)
    processes.clear()


def write(rules, extra=""):
    for folder in folders:
        open(f"{folder}/prometheus.yml", "w").write(CONFIG % (extra, PAGE))
        open(f"{folder}/a.rules.yml", "w").write(rules)


def reload():
    for port in (P, Q):
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/-/reload", method="POST"), timeout=10)


def run():
    write(FIRST)
    start()
    compare("quiet", wait=13)
    between_ticks()
    same("evaluated at the same times", *(times(port, at, 8) for at in [time.time()] for port in (P, Q)))
    pause(4)
    LOAD.update({"1": 20, "2": 40})
    compare("two are high", wait=10)
    LOAD["1"] = 1
    compare("one is low again", wait=10)
    del LOAD["3"]
    compare("one is gone", wait=10)
    LOAD.update({"3": 30, "4": 4})
    write(SECOND)
    reload()
    compare("reloaded", wait=8)
    same("metrics", figures(P), figures(Q))
    stop()
    # Prometheus takes another offset of all groups only when it starts; promlet at a reload too.
    write(SECOND, ", rule_query_offset: 5s")
    start()
    compare("restarted, everything late", wait=13, tolerance=10)


binaries = [os.path.abspath(options.prometheus), os.path.abspath(options.promlet)]
root = tempfile.mkdtemp(prefix="rules-")
folders = [f"{root}/p", f"{root}/q"]
for folder in folders:
    os.mkdir(folder)
server = http.server.ThreadingHTTPServer(("127.0.0.1", PAGE), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
processes = []
try:
    run()
finally:
    for process in processes:
        process.kill()
        process.wait()
    shutil.rmtree(root)
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
