#!/usr/bin/env python3
"""Timelines of alerts, in real time: Alertmanager and promlet are told the same at the same moments, and every receiver must hear the
same from both: the same alerts, for the same reason, within a second and a half.

All cases run side by side, each on a route of its own; a second pair of servers is ended and started again in the middle, a third
gets a new configuration. Where promlet keeps a promise that Alertmanager does not (research/alerting.md, section 9) the difference is
named in `BETTER`, and must be there. Usage: timelines.py PROMLET ALERTMANAGER
"""
import datetime, http.server, json, os, shutil, signal, subprocess, sys, tempfile, threading, time, urllib.parse, urllib.request

PORT = int(os.environ.get("TIMELINES_PORT", "19530"))
SERVERS = ("alertmanager", "promlet")
TOLERANCE, END = 1.5, 34.0
# What is heard later is not compared: between the ticks of all groups.
COMPARED = 32.5


class Case:
    """A route below `{case="NAME"}`, what is told when, and to whom.

    `told`: (second, kind, arguments): `fire NAME`, `end NAME`, `silence ID matchers seconds`, `expire ID`.
    """

    def __init__(self, name, told, route="", rules="", more=(), fails=(), resolved=True, stage="together", loose=0.0):
        self.name, self.told, self.route, self.rules, self.more = name, told, route, rules, more
        self.fails, self.resolved, self.stage, self.tolerance = fails, resolved, stage, TOLERANCE + loose


def fire(at, *names, every=4, until=END, **labels):
    """The alerts are repeated, as rules do, until they end."""
    return [(at + again, "fire", name, labels) for name in names for again in range(0, max(1, int(until - at)), every)]


def end(at, *names, **labels):
    return [(at, "end", name, labels) for name in names]


def silence(at, key, matchers, seconds):
    return [(at, "silence", key, dict(matchers=matchers, seconds=seconds))]


TIMERS = "group_wait: 1s\n      group_interval: 3s\n      repeat_interval: 10s"
CASES = [
    Case("first_repeat_resolved", fire(0, "A", until=26) + end(26, "A")),
    Case("group_grows", fire(0, "A") + fire(5, "B") + fire(14, "C")),
    Case("some_resolved", fire(0, "A") + fire(0, "B", until=8) + end(8, "B")),
    Case("resolved_unwanted", fire(0, "A", until=9) + end(9, "A") + fire(16, "A"), resolved=False),
    Case("never_announced", fire(0, "A", until=1) + end(0.5, "A")),
    Case("ends_and_begins", fire(0, "A", until=6) + end(6, "A") + fire(7, "A")),
    Case("again_after_the_end", fire(0, "A", until=6) + end(6, "A") + fire(15, "A")),
    Case("began_long_ago", [(0, "fire", "A", dict(began=600))] + [(n, "fire", "A", dict(began=600)) for n in range(4, 36, 4)], "group_wait: 9s"),
    Case("times_out", [(0, "fire", "A", dict(open=True))]),
    Case("without_repeat_from_sender", [(0, "fire", "A", dict(lasts=11))]),
    Case("by_all_labels", fire(0, "A", "B"), "group_by: ['...']"),
    Case("by_a_label_that_is_missing", fire(0, "A", zone="a") + fire(0, "B") + fire(6, "C", zone="a"), "group_by: [zone]"),
    Case(
        "continued", fire(0, "A", team="x") + fire(0, "B", team="y"),
        "routes:\n      - {matchers: ['team=x'], receiver: continued-one, continue: true}\n      - {matchers: ['team=~x|y'], receiver: continued-two}\n"
        "      - {receiver: continued-three}", more=("one", "two", "three"),
    ),
    Case(
        "handed_down", fire(0, "A", team="x") + fire(0, "B", team="z"),
        "routes:\n      - matchers: ['team=x']\n        receiver: handed_down-one\n        group_wait: 5s\n        routes:\n"
        "        - {matchers: ['alertname=A'], receiver: handed_down-two, repeat_interval: 7s}", more=("one", "two"),
    ),
    Case("empty_matches_missing", fire(0, "A", team="x") + fire(0, "B"), "routes:\n      - {matchers: ['team=\"\"'], receiver: empty_matches_missing-one}", more=("one",)),
    Case(
        "inhibited", fire(0, "Target", kind="target") + fire(0, "Source", kind="source", until=14) + end(14, "Source", kind="source"),
        rules="{source_matchers: ['case=inhibited', 'kind=source'], target_matchers: ['kind=target'], equal: [case]}",
        route="group_by: [alertname]",
    ),
    Case(
        "inhibited_elsewhere", fire(0, "Target", kind="target", zone="a") + fire(0, "Source", kind="source", zone="b"),
        rules="{source_matchers: ['case=inhibited_elsewhere', 'kind=source'], target_matchers: ['kind=target'], equal: [zone]}", route="group_by: [alertname]",
    ),
    Case(
        "not_by_itself", fire(0, "A", kind="both"),
        rules="{source_matchers: ['case=not_by_itself', 'kind=both'], target_matchers: ['kind=both'], equal: [case]}",
    ),
    Case(
        "inhibited_after", fire(0, "Target", kind="target") + fire(8, "Source", kind="source"), route="group_by: [alertname]",
        rules="{source_matchers: ['case=inhibited_after', 'kind=source'], target_matchers: ['kind=target'], equal: [case]}",
    ),
    Case("silenced_from_the_start", silence(0, "s", dict(alertname="A"), 12) + fire(0.5, "A")),
    Case("silenced_after", fire(0, "A") + silence(5, "s", dict(alertname="A"), 12)),
    Case("silenced_in_part", silence(0, "s", dict(alertname="A"), 60) + fire(0.5, "A", "B")),
    Case("silence_is_ended", silence(0, "s", dict(alertname="A"), 60) + fire(0.5, "A") + [(9, "expire", "s", {})]),
    Case("silence_of_a_pattern", silence(0, "s", {"alertname": "~A.*"}, 60) + fire(0.5, "AB", "BA")),
    Case("silenced_then_resolved", fire(0, "A", until=12) + silence(5, "s", dict(alertname="A"), 60) + end(12, "A")),
    Case("muted", fire(0, "A"), "mute_time_intervals: [always]"),
    Case("not_muted", fire(0, "A"), "mute_time_intervals: [never]"),
    Case("active", fire(0, "A"), "active_time_intervals: [never, always]"),
    Case("inactive", fire(0, "A"), "active_time_intervals: [never]"),
    # Retries are spread by chance: when the first message comes decides when it would be repeated.
    Case("fails_then_heals", fire(0, "A"), "repeat_interval: 1h", fails=(0, 6), loose=4),
    Case("two_receivers_one_down", fire(0, "A"), "routes:\n      - {receiver: two_receivers_one_down-one, continue: true}\n      - {receiver: two_receivers_one_down-two}", more=("one", "two")),
    Case("cut_to_two", fire(0, "A", "B", "C")),
    Case("names_in_utf8", [(n, "fire", "A", {"a.b": "\u00e9", "caf\u00e9": "x"}) for n in range(0, 36, 4)], "group_by: ['a.b', 'caf\u00e9']"),
    Case("goes_on_over_a_restart", fire(0, "A"), stage="restart", loose=3),
    Case("ends_over_a_restart", fire(0, "A", until=11) + end(20, "A"), stage="restart", loose=3),
    Case("silence_over_a_restart", silence(0, "s", dict(alertname="A"), 60) + fire(0.5, "A"), stage="restart"),
    Case("moved_by_a_reload", fire(0, "A"), stage="reload"),
    Case("kept_over_a_reload", fire(0, "A", until=26) + end(26, "A"), stage="reload", loose=3),
]
# What promlet does otherwise on purpose: case, what only promlet's receiver hears.
BETTER = {"silenced_then_resolved": "an announced alert that ends while it is silenced gets its resolved notice"}


def routes(cases, server, reloaded):
    out = []
    for case in cases:
        receiver = case.name + ("-other" if reloaded and case.name.startswith("moved") else "")
        timers = "\n      ".join(line for line in TIMERS.split("\n      ") if line.split(":")[0] not in case.route.split("routes:")[0])
        own = f"\n      {case.route}" if case.route else ""
        out.append(f"    - matchers: ['case={case.name}']\n      receiver: {receiver}\n      {timers}{own}\n")
    return "".join(out)


def configuration(cases, server, reloaded=False):
    receivers = [(case.name + end, case) for case in cases for end in ("", "-other", *(f"-{name}" for name in case.more))]
    hook = lambda name, case: (
        f"- name: {name}\n  webhook_configs: [{{url: 'http://127.0.0.1:{PORT}/{server}/{name}', send_resolved: {str(case.resolved).lower()}"
        f"{', max_alerts: 2' if case.name == 'cut_to_two' else ''}}}]\n"
    )
    rules = "".join(f"- {case.rules}\n" for case in cases if case.rules)
    return (
        "global: {resolve_timeout: 8s}\nroute:\n    receiver: nobody\n    group_by: [case]\n    routes:\n" + routes(cases, server, reloaded)
        + f"inhibit_rules:\n{rules}" * bool(rules)
        + "time_intervals:\n- {name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}], location: Europe/Paris}]}\n"
        + "- {name: never, time_intervals: [{years: ['2001']}]}\n"
        + "receivers:\n- name: nobody\n" + "".join(hook(name, case) for name, case in receivers)
    )


heard, lock = {}, threading.Lock()
began = time.time()


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server, _, receiver = self.path.strip("/").partition("/")
        at = time.time() - began
        case = next(case for case in CASES if receiver.split("-")[0] == case.name)
        down = case.fails and case.fails[0] <= at < case.fails[1] or receiver == "two_receivers_one_down-one"
        if not down:
            with lock:
                heard.setdefault((receiver, server), []).append((at, told(body)))
        self.send_response(500 if down else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def told(body):
    """What is compared of a message, besides its time."""
    alerts = lambda status: sorted(a["labels"].get("alertname", "") for a in body["alerts"] if a["status"] == status)
    kept = {key: body[key] for key in ("status", "groupLabels", "commonLabels", "commonAnnotations", "truncatedAlerts", "notification_reason")}
    return {**kept, "firing": alerts("firing"), "resolved": alerts("resolved"), "key": body["groupKey"]}


def ask(base, path, body=None, method=None):
    request = urllib.request.Request(base + path, json.dumps(body).encode() if body is not None else None, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or "null")


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Servers:
    """One pair of servers."""

    def __init__(self, stage, work, options, first_port):
        self.stage, self.work, self.options = stage, work, options
        self.cases = [case for case in CASES if case.stage == stage]
        self.port = dict(zip(SERVERS, (first_port, first_port + 1)))
        self.process, self.silences, self.firing = {}, {}, {}
        for server in SERVERS:
            os.makedirs(self.path(server))
            self.configure(server)
            self.start(server)

    def path(self, server, *names):
        return os.path.join(self.work, self.stage, server, *names)

    def base(self, server):
        return f"http://127.0.0.1:{self.port[server]}"

    def configure(self, server, reloaded=False):
        with open(self.path(server, "alertmanager.yml"), "w") as f:
            f.write(configuration(self.cases, server, reloaded))

    def start(self, server):
        file, data, listen = self.path(server, "alertmanager.yml"), self.path(server, "data"), f"--web.listen-address=127.0.0.1:{self.port[server]}"
        if server == "promlet":
            with open(self.path(server, "prometheus.yml"), "w") as f:
                f.write("rule_files: []\n")
            argv = [self.options[0], f"--config.file={self.path(server, 'prometheus.yml')}", f"--alertmanager.config.file={file}", f"--storage.tsdb.path={data}", listen]
        else:
            argv = [self.options[1], f"--config.file={file}", f"--storage.path={data}", listen, "--cluster.listen-address="]
        log = open(self.path(server, "log"), "a")
        self.process[server] = subprocess.Popen(argv, stdout=log, stderr=log)
        for _ in range(200):
            try:
                urllib.request.urlopen(self.base(server) + "/-/ready", timeout=5).read()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{server} does not get ready: see {self.path(server, 'log')}")

    def stop(self, server, how=signal.SIGTERM):
        process = self.process.pop(server)
        process.send_signal(how)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()

    def restart(self):
        for server in SERVERS:
            self.stop(server)
            self.start(server)

    def reload(self):
        for server in SERVERS:
            self.configure(server, reloaded=True)
            self.process[server].send_signal(signal.SIGHUP)

    def tell(self, case, kind, name, more):
        for server in SERVERS:
            key = (case.name, server, name)
            if kind == "silence":
                matchers = [dict(name=n, value=v.lstrip("~"), isRegex=v.startswith("~"), isEqual=True) for n, v in {"case": case.name, **more["matchers"]}.items()]
                now = time.time()
                body = dict(matchers=matchers, startsAt=stamp(now), endsAt=stamp(now + more["seconds"]), createdBy="ci", comment="a case")
                self.silences[key] = ask(self.base(server), "/api/v2/silences", body)["silenceID"]
            elif kind == "expire":
                ask(self.base(server), f"/api/v2/silence/{self.silences[key]}", method="DELETE")
            else:
                self.post(case, kind, name, dict(more), server)

    def post(self, case, kind, name, more, server):
        """Firing for the next ten seconds, or ended now; `open` leaves the end to the server."""
        key, now = (case.name, name, tuple(sorted(more.items()))), time.time()
        first = self.firing.setdefault(key, now - more.get("began", 0)) if kind == "fire" else now - 1
        ends = now + more.get("lasts", 10) if kind == "fire" else now
        open_end = more.get("open")
        labels = {"alertname": name, "case": case.name, **{k: v for k, v in more.items() if k not in ("began", "lasts", "open")}}
        alert = dict(labels=labels, annotations=dict(summary=f"{name} in {case.name}"), startsAt=stamp(first), generatorURL="http://g/x")
        ask(self.base(server), "/api/v2/alerts", [alert if open_end else {**alert, "endsAt": stamp(ends)}])


def views(pair):
    """Alerts and groups as the API shows them, without times and ids."""
    out = {}
    for server in SERVERS:
        for alert in ask(pair.base(server), "/api/v2/alerts"):
            status, key = alert["status"], (alert["labels"]["case"], alert["labels"]["alertname"])
            receivers = sorted(r["name"] for r in alert["receivers"])
            seen = (status["state"], len(status["silencedBy"]), len(status["inhibitedBy"]), len(status.get("mutedBy", [])), receivers)
            out.setdefault((*key, "alert"), {})[server] = seen
        for group in ask(pair.base(server), "/api/v2/alerts/groups"):
            case = group["alerts"][0]["labels"]["case"]
            key = (case, json.dumps(group["labels"], sort_keys=True), group["receiver"]["name"])
            out.setdefault(key, {})[server] = sorted((a["labels"]["alertname"], a["status"]["state"]) for a in group["alerts"])
    return out


def differences(case, name):
    order = lambda heard: (round(heard[0]), heard[1]["key"])  # groups that are due in the same moment have none
    theirs, ours = (sorted((one for one in heard.get((name, server), []) if one[0] < COMPARED), key=order) for server in SERVERS)
    show = lambda all: [(round(at, 1), message["notification_reason"], message["firing"], message["resolved"]) for at, message in all]
    if [message for _, message in theirs] != [message for _, message in ours]:
        other = [(a, b) for (_, a), (_, b) in zip(theirs, ours) if a != b and len(theirs) == len(ours)]
        return f"{show(theirs)} / {show(ours)} {other[:1]}"
    late = [(round(a, 1), round(b, 1)) for (a, _), (b, _) in zip(theirs, ours) if abs(a - b) > case.tolerance]
    return f"other times: {late}" if late else None


def main(options):
    global began
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    work = tempfile.mkdtemp(prefix="timelines-")
    pairs = {stage: Servers(stage, work, options, PORT + 1 + 2 * n) for n, stage in enumerate(("together", "restart", "reload"))}
    passed = failed = 0

    def verdict(what, why):
        nonlocal passed, failed
        passed, failed = (passed, failed + 1) if why else (passed + 1, failed)
        if why:
            print(f"DIFFERS {what}: {why}", flush=True)

    try:
        events = [(at, lambda pair=pairs[case.stage], case=case, rest=rest: pair.tell(case, *rest)) for case in CASES for at, *rest in case.told]
        seen = []
        events += [(at, lambda: seen.append(views(pairs["together"]))) for at in (4.2, 11.2, 22.2)]
        events += [(14.3, pairs["restart"].restart), (14.3, pairs["reload"].reload)]
        began = time.time()
        for at, act in sorted(events, key=lambda event: event[0]):
            time.sleep(max(0, began + at - time.time()))
            act()
        time.sleep(max(0, began + END - time.time()))
        for moment, view in enumerate(seen):
            for key, by_server in view.items():
                one, two = (by_server.get(server) for server in SERVERS)
                verdict(f"view {moment} of {key}", None if one == two else f"{one} / {two}")
        for case in CASES:
            for name in (case.name, f"{case.name}-other", *(f"{case.name}-{more}" for more in case.more)):
                why = differences(case, name)
                if case.name in BETTER and name == case.name:
                    why = None if why else f"no difference, though {BETTER[case.name]}"
                verdict(name, why)
        messages = sum(len(all) for (_, server), all in heard.items() if server == "promlet")
        verdict("messages", None if messages > 2 * len(CASES) else f"only {messages} messages: the cases say little")
        print(f"{passed} passed, {failed} failed, {len(CASES)} cases, {messages} messages")
        return failed > 0
    finally:
        for pair in pairs.values():
            for server in list(pair.process):
                pair.stop(server)
        if failed == 0:
            shutil.rmtree(work, ignore_errors=True)
        else:
            print(f"logs: {work}")


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(main([os.path.abspath(path) for path in sys.argv[1:]]))
