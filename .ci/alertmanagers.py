#!/usr/bin/env python3
"""Alerts from process to process: Prometheus to Alertmanager and to promlet, promlet to Alertmanager and to its own routing.

The same rules over the same target run in Prometheus and in promlet. Each posts to a recorder, to a real Alertmanager, and Prometheus
to a promlet that plays the Alertmanager, too. Compared are the posted bodies (labels after external labels and relabeling, annotations,
times, generatorURL), what all four routings hold, what their webhooks are told, and the same again after the Alertmanagers were down
and after everything has resolved. Nothing is compared by the clock: each comparison waits until both sides agree, or too long. Usage:

    alertmanagers.py [--port N] PROMLET PROMETHEUS ALERTMANAGER

Exits 1 when anything differs; prints one line per difference and `N passed, N failed`.
"""
import argparse, datetime, http.server, json, os, shutil, signal, subprocess, sys, tempfile, threading, time, urllib.error, urllib.request

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, default=19640)
options.add_argument("promlet")
options.add_argument("prometheus")
options.add_argument("alertmanager")
options = options.parse_args()
PATIENCE = 20.0
# P and Q evaluate rules; A and B are Alertmanagers beside them, S is promlet in A's place.
RECORDER, P, Q, A, B, S = range(options.port, options.port + 6)
LOAD = {"1": 1, "2": 2, "3": 3}
lock, posts, hooks, failing = threading.Lock(), {"p": [], "q": []}, {}, set()
passed, failed = 0, []

PROMETHEUS = """
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s, external_labels: {site: home, zone: outer, secret: x}}
rule_files: ["*.rules.yml"]
scrape_configs:
  - {job_name: page, static_configs: [{targets: ["127.0.0.1:%(recorder)d"]}]}
alerting:
  alert_relabel_configs:
    - {source_labels: [alertname], regex: Dropped, action: drop}
    - {regex: secret, action: labeldrop}
    - {source_labels: [i, zone], separator: "@", target_label: place}
    - {source_labels: [alertname], regex: "Bare(.*)", target_label: instance, replacement: ""}
  alertmanagers:
    - path_prefix: /%(who)s/
      bearer_token: token-of-all
      timeout: 3s
      static_configs: [{targets: ["127.0.0.1:%(recorder)d", "127.0.0.1:9"], labels: {role: one}}]
      relabel_configs: [{source_labels: [__address__], regex: ".*:9", action: drop}]
      alert_relabel_configs: [{source_labels: [alertname], regex: Private, action: drop}]
    - api_version: v2
      file_sd_configs: [{files: ["%(folder)s/found.json"]}]
"""
RULES = """
groups:
  - name: one
    labels: {team: ml}
    rules:
      - {alert: High, expr: load > 10, labels: {severity: "{{ if gt $value 30.0 }}page{{ else }}info{{ end }}"}, annotations: {summary: "{{ $labels.i }} is {{ $value }} at {{ $externalLabels.site }} <&>\\"'", empty: ""}}
      - {alert: Dropped, expr: load > 10}
      - {alert: Private, expr: load > 30, labels: {zone: inner}}
      - {alert: Bare, expr: sum(load) > 20}
      - {alert: Slow, expr: load > 10, for: 2s, keep_firing_for: 2s, labels: {secret: mine}}
      - {alert: Never, expr: load > 10, for: 1h}
  - name: two
    interval: 2s
    rules:
      - {alert: Seldom, expr: 'load{i=~"1|2"} > 10', annotations: {text: "tab\\tand line\\nend"}}
      - {alert: Calm, expr: max(load) < 10}
      - {alert: Always, expr: vector(1)}
"""
ALERTMANAGER = """
route:
  receiver: all
  group_by: [alertname]
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 1h
  routes:
    - {receiver: pages, matchers: [severity=page], continue: true}
    - {receiver: everything, group_by: ['...']}
inhibit_rules:
  - {source_matchers: [alertname=Calm], target_matchers: [alertname=Always], equal: [site]}
receivers:
  - {name: all, webhook_configs: [{url: "http://127.0.0.1:%(recorder)d/hook/%(who)s"}]}
  - {name: pages, webhook_configs: [{url: "http://127.0.0.1:%(recorder)d/hook/%(who)s"}]}
  - {name: everything, webhook_configs: [{url: "http://127.0.0.1:%(recorder)d/hook/%(who)s"}]}
"""


class Recorder(http.server.BaseHTTPRequestHandler):
    """The target, the Alertmanager that writes down, and the webhook."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply(200, "# TYPE load gauge\n" + "".join(f'load{{i="{i}"}} {v}\n' for i, v in LOAD.items()))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        _, first, who = (self.path + "/").split("/")[:3]
        with lock:
            if first == "hook":
                hooks.setdefault(who, []).append(body)
            else:
                posts[first].append((self.path, self.headers["Content-Type"], self.headers["Authorization"], body))
            status = 500 if first in failing else 200
        self.reply(status, "")

    def reply(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def ask(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.loads(answer.read())


def milliseconds(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def posted(who):
    """What a recorder was told: everything but the clock; times as far as they follow from each other."""
    out = set()
    with lock:
        for path, kind, authorization, body in posts[who]:
            for alert in body:
                starts, ends = milliseconds(alert["startsAt"]), milliseconds(alert["endsAt"])
                lasts = 4000 if alert["labels"]["alertname"] not in ("Seldom", "Calm", "Always") else 8000
                resolved = ends <= time.time() * 1000 - 500
                said = {k: v for k, v in alert.items() if k not in ("startsAt", "endsAt")}
                forms = [len(alert[k]) == 24 and alert[k].endswith("Z") for k in ("startsAt", "endsAt")]
                # A firing alert ends four intervals after its evaluation, a resolved one at an evaluation: all of them are on one grid.
                on_grid = (ends - starts) % (lasts // 4) == 0
                out.add(json.dumps([path.replace(f"/{who}/", "/W/"), kind, authorization, said, forms, on_grid, resolved], sort_keys=True))
    return sorted(text for text in out if not json.loads(text)[-1]), sorted({json.dumps(json.loads(text)[3], sort_keys=True) for text in out})


def held(port, exact=False):
    """What a routing holds; with `exact` also times and the rest that only those know who were posted the same."""
    out = []
    for alert in ask(port, "/api/v2/alerts"):
        status = {k: len(v) if k.endswith("By") else v for k, v in alert["status"].items()}
        kept = [alert["labels"], alert["annotations"], alert.get("generatorURL"), alert["fingerprint"], sorted(r["name"] for r in alert["receivers"]), status]
        out.append(json.dumps(kept + ([alert["startsAt"]] if exact else []), sort_keys=True))
    return sorted(out)


def notified(who):
    """The last word on every alert of every group, and how groups looked."""
    out = {}
    with lock:
        for body in hooks.get(who, []):
            for alert in body["alerts"]:
                key = json.dumps([body["receiver"], body["groupKey"], body["groupLabels"], alert["labels"], alert["annotations"], alert["generatorURL"], alert["fingerprint"]], sort_keys=True)
                out[key] = alert["status"]
    return sorted(f"{key}: {status}" for key, status in out.items())


def alertmanagers(port):
    data = ask(port, "/api/v1/alertmanagers")["data"]
    told = lambda found: sorted(am["url"].replace("/p/", "/W/").replace("/q/", "/W/").replace(str(B), str(A)) for am in found)
    return [url for url in told(data["activeAlertmanagers"]) if str(S) not in url], told(data["droppedAlertmanagers"])


def page(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return [line for line in answer.read().decode().splitlines() if line.startswith("prometheus_notifications_")]


def names(port):
    """Names and label names of the figures, as of Prometheus 3.10: since then three of them say which Alertmanager, too."""
    labels = lambda line: ",".join(sorted(part.split("=")[0] for part in line.split("{")[1].split("}")[0].split(","))) if "{" in line else ""
    found = {line.split("{")[0].split(" ")[0]: labels(line) for line in page(port)}
    for name in ("dropped_total", "queue_length", "queue_capacity"):
        if found.get(f"prometheus_notifications_{name}") == "":
            found[f"prometheus_notifications_{name}"] = "alertmanager"
    return sorted(f"{name} {labels}" for name, labels in found.items() if "latency_histogram" not in name)


def errors(port, alertmanager):
    lines = [line for line in page(port) if line.startswith("prometheus_notifications_errors_total") and f":{alertmanager}/" in line]
    return bool(lines) and float(lines[0].rsplit(" ", 1)[1]) > 0


def agree(what, one, *others):
    """Waits until all say the same and something; names the first of the others that does not."""
    global passed
    deadline = time.time() + PATIENCE
    while True:
        try:
            theirs, ours = one(), [other() for other in others]
        except (OSError, ValueError) as error:
            theirs, ours = None, [str(error)]
        if theirs and all(theirs == other for other in ours):
            passed += 1
            return theirs
        if time.time() > deadline:
            break
        time.sleep(0.2)
    failed.append(what)
    for at, other in enumerate(ours):
        if other != theirs:
            only = lambda one, two: json.dumps([x for x in one or [] if x not in (two or [])])[:1000]
            print(f"{what}, {at}:\n  first alone: {only(theirs, other)}\n  other alone: {only(other, theirs)}", flush=True)
    return theirs


def start(name, port, binary, *flags):
    log = open(f"{root}/{name}/log", "ab")
    processes[name] = subprocess.Popen([binary, f"--web.listen-address=127.0.0.1:{port}", *flags], stdout=log, stderr=log, cwd=f"{root}/{name}")


def ready(name, port):
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    sys.exit(f"{name} is not ready: {open(f'{root}/{name}/log').read()[-2000:]}")


def stop(*which):
    for name in which:
        processes[name].send_signal(signal.SIGTERM)
    for name in which:
        try:
            processes.pop(name).wait(timeout=15)
        except subprocess.TimeoutExpired:
            sys.exit(f"{name} does not end")


def start_alertmanagers():
    for name, port in (("a", A), ("b", B)):
        start(name, port, options.alertmanager, "--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=")
    ready("a", A), ready("b", B)


def write(name, file, text):
    os.makedirs(f"{root}/{name}", exist_ok=True)
    with open(f"{root}/{name}/{file}", "w") as f:
        f.write(text)


def everywhere(when):
    """The four routings hold the same: those that were posted the same to the millisecond."""
    agree(f"{when}: routings hold", lambda: held(A), lambda: held(B), lambda: held(S), lambda: held(Q))
    agree(f"{when}: promlet holds what Alertmanager beside it holds", lambda: held(A, True), lambda: held(S, True))


def run():
    for who, port in (("p", P), ("q", Q)):
        write(who, "prometheus.yml", PROMETHEUS % dict(recorder=RECORDER, who=who, folder=root + "/" + who))
        write(who, "a.rules.yml", RULES)
        write(who, "found.json", json.dumps([{"targets": [f"127.0.0.1:{port}"]} for port in ((A, S) if who == "p" else (B,))]))
    for who in ("a", "b", "s", "q"):
        write(who, "alertmanager.yml", ALERTMANAGER % dict(recorder=RECORDER, who=who))
    write("s", "prometheus.yml", "rule_files: []\n")
    start_alertmanagers()
    shared = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--rules.alert.resend-delay=1s", "--web.external-url=http://here/"]
    start("s", S, options.promlet, *shared[:2])
    start("p", P, options.prometheus, *shared)
    start("q", Q, options.promlet, *shared)
    ready("s", S), ready("p", P), ready("q", Q)

    agree("calm: posted", lambda: posted("p")[1], lambda: posted("q")[1])
    LOAD.update({"1": 20, "2": 40})
    agree("firing: posted", lambda: [text for text in posted("p")[0] if "Slow" in text and "Seldom" in "".join(posted("p")[0])] and posted("p")[0], lambda: posted("q")[0])
    everywhere("firing")
    agree("firing: webhooks", lambda: notified("a"), lambda: notified("b"), lambda: notified("s"), lambda: notified("q"))
    agree("/api/v1/alertmanagers", lambda: alertmanagers(P), lambda: alertmanagers(Q))

    stop("a", "b")
    with lock:
        failing.update("pq")
    agree("down: errors are counted", lambda: errors(P, A), lambda: errors(Q, B))
    agree("failing: errors are counted", lambda: errors(P, RECORDER), lambda: errors(Q, RECORDER))
    agree("figures", lambda: names(P), lambda: names(Q))
    LOAD["1"] = 1
    with lock:
        failing.clear()
    start_alertmanagers()
    everywhere("back")

    LOAD["2"] = 2
    told = lambda who: [line for line in notified(who) if ": firing" in line and '"Calm"' not in line and '"Always"' not in line]
    agree("resolved: everything ends", lambda: ["over"] if not any(told(who) for who in "absq") else [], lambda: ["over"])
    agree("resolved: webhooks", lambda: notified("a"), lambda: notified("b"), lambda: notified("s"), lambda: notified("q"))
    agree("resolved: posted", lambda: posted("p")[1], lambda: posted("q")[1])
    everywhere("resolved")
    LOAD["3"] = 50
    # What rules say in the last second is still sent.
    agree("again: posted", lambda: [text for text in posted("p")[1] if '"i": "3"' in text], lambda: [text for text in posted("q")[1] if '"i": "3"' in text])
    stop(*list(processes))


root = tempfile.mkdtemp(prefix="alertmanagers-")
processes = {}
server = http.server.ThreadingHTTPServer(("127.0.0.1", RECORDER), Recorder)
threading.Thread(target=server.serve_forever, daemon=True).start()
options.promlet, options.prometheus, options.alertmanager = (os.path.abspath(path) for path in (options.promlet, options.prometheus, options.alertmanager))
try:
    run()
finally:
    for process in processes.values():
        process.kill()
        process.wait()
    if failed:
        print(f"logs: {root}")
    else:
        shutil.rmtree(root)
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
