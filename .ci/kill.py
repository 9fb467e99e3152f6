#!/usr/bin/env python3
"""kill -9 under load, again and again: nothing that was acknowledged is missing, nobody is told twice.

    kill.py [--rounds N] [--seed N] [--port N] PROMLET

In each round the server takes remote write from two senders, scrapes two pages every 200 ms, takes silences and alerts through the API,
evaluates rules and notifies a webhook, until it is killed in the middle of it. Afterwards, round by round and at the end:

- every remote-write request that was answered with 2xx is there, value by value;
- every scraped row that a query once returned is there, and every row that is there is a whole page as it was served;
- every silence and every alert that was acknowledged is there, and what was expired stays expired;
- every alert was told as firing; a second telling, after a kill in the middle of a send, bears the same id and is one more for a kill at most;
- the alert of a rule whose condition holds all the time is told once and never as resolved; one whose condition comes and goes is told
  of each change in turn.

Prints a line of figures; exits 1 where anything is missing, wrong or repeated.
"""
import argparse, collections, http.client, http.server, json, os, random, shutil, signal, struct, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.parse, urllib.request

from protobuf import field, varint

options = argparse.ArgumentParser()
options.add_argument("--rounds", type=int, default=10)
options.add_argument("--seed", type=int, default=int(time.time()))
options.add_argument("--port", type=int, default=19330)
options.add_argument("promlet")
options = options.parse_args()
PORT, PAGES = options.port, options.port + 1
LINES, FLIP_SECONDS = 200, 6
dice = random.Random(options.seed)
wrong, servers = [], []


def fail(text):
    wrong.append(text)
    print(text, flush=True)


class Served:
    """Pages by target and serial, and what the webhook heard."""
    lock = threading.Lock()
    serials = collections.Counter()
    heard = []
    began = time.monotonic()


def flips():
    return int((time.monotonic() - Served.began) / FLIP_SECONDS) % 2


class Peer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with Served.lock:
            Served.serials[self.path] += 1
            serial = Served.serials[self.path]
        lines = [f"serial {serial}", f"flip {flips()}", "constant 7"]
        lines += [f'v{{n="{n}"}} {serial * 1000 + n}' if n % 3 else f'v{{n="{n}"}} {serial * 0.25 + n}' for n in range(LINES)]
        self.answer("\n".join(lines) + "\n", "text/plain; version=0.0.4")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        # Heard before it is answered: what follows may be cut off by a kill.
        with Served.lock:
            Served.heard.append((self.headers["X-Promlet-Notification-Id"], body["status"], body["groupLabels"]["alertname"], body["groupLabels"].get("n", "")))
        time.sleep(random.random() * 0.05)
        self.answer("ok", "text/plain")

    def answer(self, text, kind):
        try:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())
        except OSError:
            pass

    def log_message(self, *_):
        pass


def write_request(sender, at, value):
    """Twenty series of one sample; snappy without compression."""
    out = b""
    for n in range(20):
        labels = [("__name__", "pushed"), ("n", str(n)), ("sender", str(sender))]
        body = b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in labels)
        out += field(1, body + field(2, b"\x09" + struct.pack("<d", value + n) + b"\x10" + varint(at)))
    packed = varint(len(out))
    for start in range(0, len(out), 60):
        part = out[start : start + 60]
        packed += bytes([(len(part) - 1) << 2]) + part
    return packed


def ask(path, body=None, headers={}, method=None, timeout=10):
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return answer.read().decode()


def query(text, at=None):
    parameters = {"query": text, "time": at or time.time() + 1}
    return json.loads(ask("/api/v1/query?" + urllib.parse.urlencode(parameters), timeout=60))["data"]["result"]


class Load:
    """What was acknowledged, and the threads that get it acknowledged."""

    def __init__(self):
        self.stopped = threading.Event()
        self.pushed, self.silences, self.expiring, self.expired, self.alerts, self.seen = {}, {}, set(), set(), {}, {}
        work = [lambda: self.push(0), lambda: self.push(1), self.silence, self.alert, self.look]
        self.threads = [threading.Thread(target=self.repeat, args=(one,)) for one in work]
        self.unanswered, self.number = {}, collections.Counter()
        for thread in self.threads:
            thread.start()

    def repeat(self, work):
        while not self.stopped.is_set():
            try:
                work()
            except urllib.error.HTTPError as error:
                # Starting or stopping; anything else is a failure.
                if error.code != 503:
                    fail(f"refused with {error.code}: {error.read().decode()[:200]}")
                time.sleep(0.02)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)

    def push(self, sender):
        # As Prometheus does: a request without an answer is sent again until it has one.
        at, value = self.unanswered.get(sender, (int(time.time() * 1000), self.number[sender] * 7))
        self.unanswered[sender] = (at, value)
        ask("/api/v1/write", write_request(sender, at, value), {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"})
        self.pushed[sender, at] = value
        del self.unanswered[sender]
        self.number[sender] += 1
        time.sleep(0.003)

    def silence(self):
        self.number["silence"] += 1
        comment = f"number {self.number['silence']}"
        at = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        body = {"matchers": [{"name": "nobody", "value": comment, "isRegex": False, "isEqual": True}], "startsAt": at(0), "endsAt": at(86400)}
        body |= {"createdBy": "kill.py", "comment": comment}
        answer = json.loads(ask("/api/v2/silences", json.dumps(body).encode(), {"Content-Type": "application/json"}))
        self.silences[answer["silenceID"]] = comment
        if self.number["silence"] % 5 == 0:
            gone = answer["silenceID"]
            self.expiring.add(gone)
            ask(f"/api/v2/silence/{gone}", method="DELETE")
            self.expired.add(gone)
        time.sleep(0.05)

    def alert(self):
        self.number["alert"] += 1
        name = str(self.number["alert"])
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
        body = [{"labels": {"alertname": "Pushed", "n": name}, "endsAt": ends}]
        ask("/api/v2/alerts", json.dumps(body).encode(), {"Content-Type": "application/json"})
        self.alerts[name] = time.monotonic()
        time.sleep(0.1)

    def look(self):
        """What a query returned was there."""
        for series in query("serial[3s]"):
            for at, value in series["values"]:
                self.seen[series["metric"]["instance"], at] = value
        time.sleep(0.1)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def serve(folder):
    argv = [os.path.abspath(options.promlet), "--config.file=p.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{PORT}", "--web.enable-remote-write-receiver"]
    server = subprocess.Popen(argv, cwd=folder, stdout=open(f"{folder}/log", "a"), stderr=subprocess.STDOUT)
    servers.append(server)
    began = time.monotonic()
    while time.monotonic() < began + 30:
        if server.poll() is not None:
            break
        try:
            ask("/-/ready", timeout=1)
            return server, time.monotonic() - began
        except OSError:
            time.sleep(0.005)
    sys.exit(f"the server did not start: {open(f'{folder}/log').read()[-2000:]}")


def check_states(load, silences, expired, alerts):
    """What was acknowledged before the kill against what the API says now."""
    found = {s["id"]: s for s in json.loads(ask("/api/v2/silences"))}
    for id, comment in silences.items():
        if id not in found or found[id]["comment"] != comment:
            fail(f"silence {id} ({comment}) is missing")
        elif id in expired and found[id]["status"]["state"] != "expired":
            fail(f"silence {id} was expired and is {found[id]['status']['state']} again")
        elif id not in load.expiring and found[id]["status"]["state"] != "active":
            fail(f"silence {id} is {found[id]['status']['state']}")
    active = {a["labels"].get("n") for a in json.loads(ask("/api/v2/alerts"))}
    for name in alerts:
        if name not in active:
            fail(f"alert {name} is missing")


def check_samples(load):
    """All that is older than two seconds: what is younger may be under way."""
    pushed, seen = list(load.pushed.items()), list(load.seen.items())
    now = time.time() - 2
    window = f"[{int(now - WALL_BEGAN) + 10}s]"
    there = {(s["metric"]["sender"], int(s["metric"]["n"])): {round(t * 1000): float(v) for t, v in s["values"]} for s in query("pushed" + window, now)}
    for (sender, at), value in pushed:
        for n in range(20):
            if at < now * 1000 and there.get((str(sender), n), {}).get(at) != value + n:
                return fail(f"pushed by {sender} at {at}, series {n}: {value + n} was acknowledged, {there.get((str(sender), n), {}).get(at)} is there")
    serials = {s["metric"]["instance"]: {round(t * 1000): float(v) for t, v in s["values"]} for s in query("serial" + window, now)}
    for (instance, at), value in seen:
        if at < now and serials.get(instance, {}).get(round(at * 1000)) != float(value):
            return fail(f"the row of {instance} at {at} was seen and is gone")
    for series in query("v" + window, now):
        of, n = serials[series["metric"]["instance"]], int(series["metric"]["n"])
        values = {round(t * 1000): float(v) for t, v in series["values"]}
        expected = {at: serial * 1000 + n if n % 3 else serial * 0.25 + n for at, serial in of.items()}
        if values != expected:
            return fail(f"v{{n=\"{n}\"}}: {len(values)} samples beside {len(expected)} rows, or others than were served")
    rows = sum(map(len, serials.values()))
    for instance, of in serials.items():
        values = [of[at] for at in sorted(of)]
        if sorted(set(values)) != values:
            fail(f"rows of {instance} are out of order or twice")
    return rows


def check_told(load, kills):
    with Served.lock:
        heard = list(Served.heard)
    told, repeats = collections.defaultdict(list), 0
    for id, status, alert, n in heard:
        told[alert, n].append((id, status))
    for name in load.alerts:
        of = told.get(("Pushed", name), [])
        if not of:
            fail(f"alert {name} was acknowledged and nobody was told")
    for (alert, n), of in told.items():
        ids = [id for id, _ in of]
        repeats += len(ids) - len(set(ids))
        once = list(dict.fromkeys(of))
        statuses = [status for _, status in once]
        if alert in ("Pushed", "Always") and statuses != ["firing"]:
            fail(f"{alert} {n} was told as {of}")
        if alert == "Flips" and any(a == b for a, b in zip(statuses, statuses[1:])):
            fail(f"Flips was told as {statuses}")
    return len(heard), repeats


FILES = {
    "p.yml": f"""global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}
rule_files: [r.yml]
scrape_configs:
- {{job_name: a, metrics_path: /a, static_configs: [{{targets: ['127.0.0.1:{PAGES}']}}]}}
- {{job_name: b, metrics_path: /b, static_configs: [{{targets: ['localhost:{PAGES}']}}]}}
""",
    "r.yml": """groups:
- name: g
  rules:
  - {record: all, expr: sum(v)}
  - {alert: Always, expr: vector(1)}
  - {alert: Flips, expr: 'flip{job="a"} == 1'}
""",
    "alertmanager.yml": f"""route: {{receiver: hook, group_by: [alertname, n], group_wait: 0s, group_interval: 200ms, repeat_interval: 12h}}
receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{PAGES}/hook'}}]}}]
""",
}
WALL_BEGAN = time.time()


class Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, *_):
        """A connection that ends with a killed client is no news."""


def main(folder):
    for name, text in FILES.items():
        open(f"{folder}/{name}", "w").write(text)
    threading.Thread(target=Listener(("127.0.0.1", PAGES), Peer).serve_forever, daemon=True).start()
    server, _ = serve(folder)
    load, starts = Load(), []
    try:
        for number in range(options.rounds):
            time.sleep(dice.uniform(0.2, 1.6))
            server.kill()
            server.wait()
            acknowledged = dict(load.silences), set(load.expired), list(load.alerts)
            server, took = serve(folder)
            starts.append(took)
            check_states(load, *acknowledged)
            if number % 10 == 9:
                check_samples(load)
        time.sleep(2)
    finally:
        load.stop()
        # What was decided last is still on its way.
        time.sleep(3)
        rows = check_samples(load)
        heard, repeats = check_told(load, options.rounds)
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    log = open(f"{folder}/log").read()
    for word in ("panicked", "damaged", "level=ERROR"):
        if word in log:
            fail(f"the log says: {next(line for line in log.splitlines() if word in line)}")
    if repeats > options.rounds * 2:
        fail(f"{repeats} notifications were repeated in {options.rounds} kills")
    starts.sort()
    print(
        f"{options.rounds} kills (seed {options.seed}): {len(load.pushed)} requests of 20 samples, {rows} scraped rows of {LINES + 3} samples ({len(load.seen)} seen by queries), "
        f"{len(load.silences)} silences ({len(load.expired)} expired), {len(load.alerts)} alerts; {heard} notifications, {repeats} of them repeated in flight; "
        f"ready after {starts[len(starts) // 2] * 1000:.0f} ms (median), {starts[-1] * 1000:.0f} ms (slowest); {len(wrong)} wrong"
    )


folder = tempfile.mkdtemp(prefix="kill-")
try:
    main(folder)
finally:
    for server in servers:
        server.kill()
        server.wait()
    if wrong:
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
sys.exit(bool(wrong))
