#!/usr/bin/env python3
"""API v2 beside Alertmanager: the same configuration, alerts and silences in both; then amtool command by command, and raw requests.

Compared are amtool's output, complaints and exit code, and of raw answers the status, what headers say, and the body, after ids and
times were put in one form. Where promlet answers otherwise on purpose the difference is named in `OTHERWISE`, and must be there. Usage:

    amtool.py [--port N] PROMLET ALERTMANAGER AMTOOL

Exits 1 when anything differs; prints one line per difference and `N passed, N failed`.
"""
import argparse, datetime, http.client, json, os, re, shutil, signal, subprocess, sys, tempfile, time, urllib.error, urllib.parse, urllib.request

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, default=19660)
options.add_argument("--verbose", action="store_true")
options.add_argument("promlet")
options.add_argument("alertmanager")
options.add_argument("amtool")
options = options.parse_args()
PORTS = {"alertmanager": options.port, "promlet": options.port + 1}
NOWHERE = options.port + 2
passed, failed = 0, []
# What promlet does otherwise on purpose: the step, and why.
OTHERWISE = {
    "amtool -o json config show": "its own build",
    "GET /api/v2/silences?active=false": "0.34's parameter",
    "GET /api/v2/silences?expired=false": "0.34's parameter",
    "GET /api/v2/silences?pending=false": "0.34's parameter",
    "POST /api/v2/alerts [null]": "Alertmanager breaks the connection",
    'POST /api/v2/alerts [{"labels": {"alertname": "\\ud800"}}]': "half a character is no text",
    "GET /api/v2": "no such page, without going elsewhere first",
    **{f"{method} /api/v2/": "no such page, said as for any other path" for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "NONSENSE")},
}

CONFIG = """
global:
  resolve_timeout: 7m
  smtp_smarthost: "mail.example:25"
  smtp_from: from@example
  smtp_auth_username: me
  smtp_auth_password: hidden
  slack_api_url: "https://hooks.example/hidden"
  http_config: {follow_redirects: false, basic_auth: {username: u, password: hidden}}
templates: ["*.tmpl"]
route:
  receiver: default
  group_by: [alertname, cluster]
  group_wait: 300ms
  group_interval: 5s
  repeat_interval: 90m
  routes:
    - receiver: pages
      matchers: [severity="page"]
      group_by: ["..."]
      continue: true
      routes:
        - {receiver: night, matchers: ['team=~"ml|infra"'], active_time_intervals: [always], group_wait: 1s}
        - {receiver: never, match: {team: web}, mute_time_intervals: [always]}
    - {receiver: mail, match_re: {service: "^(foo|bar)$"}, repeat_interval: 2h}
    - {receiver: "with blank", matchers: ['"odd.name"="x y"', 'other!="z"', 'no!~"a.*"']}
inhibit_rules:
  - {name: of a cluster, source_matchers: [severity="page"], target_matchers: [severity="info"], equal: [cluster]}
  - {source_match: {kind: source}, target_match_re: {kind: "tar.*"}, equal: [cluster, zone]}
time_intervals:
  - {name: always, time_intervals: [{times: [{start_time: "00:00", end_time: "24:00"}], weekdays: ["sunday:saturday"]}]}
  - {name: never, time_intervals: [{times: [{start_time: "01:00", end_time: "02:30"}], years: ["2001"], months: ["january:march"], days_of_month: ["1:5", "-3:-1"], location: Europe/Berlin}]}  # the last one: what follows a location Alertmanager prints in another YAML style
receivers:
  - {name: default, webhook_configs: [{url: "http://127.0.0.1:%(nowhere)d/hook", send_resolved: false, max_alerts: 3}]}
  - {name: pages, pagerduty_configs: [{routing_key: hidden, details: {a: b}}], slack_configs: [{channel: "#c", fields: [{title: t, value: v}], actions: [{type: button, text: go, url: u}]}]}
  - {name: night, opsgenie_configs: [{api_key: hidden}]}
  - {name: never}
  - {name: mail, email_configs: [{to: you@example, headers: {subject: s}, tls_config: {insecure_skip_verify: true}}]}
  - {name: with blank, discord_configs: [{webhook_url: "https://x.example/hidden"}], telegram_configs: [{bot_token: hidden, chat_id: 7}]}
"""
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
NOBODY = "00000000-0000-0000-0000-000000000000"


def stamp(seconds, form="milliseconds"):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec=form).replace("+00:00", "Z")


class Server:
    def __init__(self, name):
        self.name, self.port, self.ids = name, PORTS[name], {NOBODY: NOBODY}

    def start(self):
        folder = f"{root}/{self.name}"
        os.makedirs(folder)
        with open(f"{folder}/alertmanager.yml", "w") as f:
            f.write(CONFIG % dict(nowhere=NOWHERE))
        with open(f"{folder}/own.tmpl", "w") as f:
            f.write('{{ define "own" }}{{ .Status }}{{ end }}\n')
        listen = f"--web.listen-address=127.0.0.1:{self.port}"
        if self.name == "promlet":
            with open(f"{folder}/prometheus.yml", "w") as f:
                f.write("rule_files: []\n")
            argv = [options.promlet, "--config.file=prometheus.yml", "--storage.tsdb.path=data", listen]
        else:
            argv = [options.alertmanager, "--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=", listen]
        log = open(f"{folder}/log", "wb")
        self.process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=folder)

    def ready(self):
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        sys.exit(f"{self.name} is not ready: {open(f'{root}/{self.name}/log').read()[-2000:]}")

    def plain(self, text):
        """Ids by the order in which they are met, times by their form alone."""
        for found in UUID.findall(text):
            self.ids.setdefault(found, f"id-{len(self.ids)}")
        text = UUID.sub(lambda match: self.ids[match.group()], text)
        text = TIME.sub(lambda match: re.sub(r"\d", "0", match.group()), text)
        text = re.sub(r"(00:00:00\.)\d+", lambda match: match.group(1) + "0" * (len(match.group()) - 9), text)
        text = re.sub(r"\b0x[0-9a-f]{6,}", "0xADDRESS", text)
        return text.replace(f"127.0.0.1:{self.port}", "HERE").replace(f"localhost:{self.port}", "HERE")

    def id_of(self, name):
        """A silence's own id here, by the name that `plain` gave it."""
        return next((own for own, given in self.ids.items() if given == name), name)

    def filled(self, text):
        return re.sub(r"id-\d+", lambda match: self.id_of(match.group()), text)

    def run(self, *arguments, stdin=None):
        argv = [options.amtool, f"--alertmanager.url=http://127.0.0.1:{self.port}"] + [self.filled(argument) for argument in arguments]
        done = subprocess.run(argv, input=stdin and self.filled(stdin), capture_output=True, text=True, timeout=30, cwd=f"{root}/{self.name}", env={"HOME": root, "PATH": os.environ["PATH"]})
        return [done.returncode, self.plain(done.stdout), self.plain(done.stderr)]

    def ask(self, method, path, body=None, headers=()):
        """Status, headers that clients look at, and the body: as JSON where it is some."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = dict(headers)
        if body is not None and "Content-Type" not in headers:
            headers["Content-Type"] = "application/json"
        text = None if body is None else self.filled(body if isinstance(body, str) else json.dumps(body))
        connection.request(method, self.filled(path), text, headers)
        try:
            answer = connection.getresponse()
        except http.client.HTTPException as error:
            return [0, {}, str(error)]
        raw = self.plain(answer.read().decode())
        connection.close()
        try:
            shown = json.loads(raw)
        except ValueError:
            shown = raw
        kept = {name.lower(): value for name, value in answer.getheaders() if name.lower() in ("content-type", "allow", "cache-control", "vary") or name.lower().startswith("access-control")}
        if "allow" in kept:
            kept["allow"] = sorted(kept["allow"].split(","))
        if isinstance(shown, dict) and "message" in shown:
            # Alertmanager shows its own types and parser there, and lists methods in any order.
            message = shown["message"].split("failed, because")[0]
            shown["message"] = re.sub(r"\[([A-Z,]+)\] are", lambda match: f"{sorted(match.group(1).split(','))} are", message)
        # What can be packed varies with that, too; Alertmanager packs nothing.
        kept["vary"] = ",".join(value for value in answer.headers.get_all("vary", []) if value.lower() != "accept-encoding")
        return [answer.status, kept, raw if isinstance(shown, (int, str)) else shown]


def same(what, of_each):
    global passed
    theirs, ours = (of_each(server) for server in servers)
    if options.verbose:
        print(f"{what}: {json.dumps(theirs)[:2000]}")
    if (theirs == ours) == (what not in OTHERWISE):
        passed += 1
        return
    failed.append(what)
    if theirs == ours:
        print(f"{what}: no difference, though {OTHERWISE[what]}")
        return
    theirs, ours = (json.dumps(one, ensure_ascii=False, sort_keys=True) for one in (theirs, ours))
    at = max(0, len(os.path.commonprefix([theirs, ours])) - 60)
    print(f"{what[:400]}\n  alertmanager: {theirs[at:at + 300]}\n  promlet:      {ours[at:at + 300]}", flush=True)


def amtool(*arguments, stdin=None):
    same("amtool " + " ".join(arguments), lambda server: server.run(*arguments, stdin=stdin))


def raw(method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    shown = "" if body is None else " " + (body if isinstance(body, str) else json.dumps(body))[:300]
    same(f"{method} {path}{shown}{' ' + json.dumps(headers) if headers else ''}", lambda server: server.ask(method, path, body, headers))


def fill():
    """The same alerts with the same times."""
    now = time.time()
    labels = [
        dict(alertname="Down", severity="page", team="ml", cluster="a"),
        dict(alertname="Down", severity="info", team="ml", cluster="a"),
        dict(alertname="Slow", severity="page", team="web", cluster="b"),
        dict(alertname="Slow", severity="info", cluster="c", service="foo"),
        dict(alertname="Odd", **{"odd.name": "x y", "caf\u00e9": "\u00e9<&>"}),
        dict(alertname="Source", kind="source", cluster="d"),
        dict(alertname="Target", kind="target", cluster="d"),
        dict(alertname="Quiet", cluster="q", instance="h:1"),
        dict(alertname="Quiet", cluster="q", instance="h:2"),
    ]
    alerts = []
    for at, one in enumerate(labels):
        alert = dict(labels=one, startsAt=stamp(now - 100 - at, "microseconds"), endsAt=stamp(now + 3600 + at))
        if at % 2:
            alert.update(annotations=dict(summary=f"number {at}", runbook="http://r/<x>"), generatorURL="http://g/graph?g0.expr=a%3Eb&g0.tab=1")
        alerts.append(alert)
    alerts.append(dict(labels=dict(alertname="Over"), startsAt=stamp(now - 50), endsAt=stamp(now - 1)))
    raw_post("alerts", alerts)


def raw_post(what, body):
    same(f"POST {what} {json.dumps(body)[:200]}", lambda server: server.ask("POST", f"/api/v2/{what}", body))


def silences():
    add = ["silence", "add", "--author=me"]
    amtool(*add, "--comment=first", "--duration=2h", "alertname=Quiet", "instance=~h:.*")
    amtool(*add, "--comment=second one", "-d", "90m", "cluster!=a", "severity=info", "--annotation=ticket=T 1", "--annotation=by=me")
    amtool(*add, "--comment=later", f"--start={stamp(time.time() + 3600, 'seconds')}", f"--end={stamp(time.time() + 7200, 'seconds')}", "alertname=~\"A|B\"", "x!~y")
    amtool("silence", "add", "--author=you", "--comment=odd", "-d1h", "\"odd.name\"=\"x y\"", "caf\u00e9=\"\u00e9<&>\"")
    amtool(*add, "--comment=ends soon", "-d1h", "alertname=Nobody")
    amtool(*add, "-d1h", "alertname=Down")
    amtool(*add, "--comment=", "-d1h", "alertname=Down")
    amtool(*add, "--comment=c", "-d1h")
    amtool(*add, "--comment=c", "-d1h", "alertname=~(")
    amtool(*add, "--comment=c", "-d1h", "alertname=")
    amtool(*add, "--comment=c", "-d", "one hour", "alertname=Down")
    amtool(*add, "--comment=c", f"--end={stamp(time.time() - 60, 'seconds')}", "alertname=Down")
    amtool(*add, "--comment=c", f"--start={stamp(time.time() + 600, 'seconds')}", f"--end={stamp(time.time() + 60, 'seconds')}", "alertname=Down")
    amtool(*add, "--comment=c", "--start=today", "alertname=Down")
    amtool(*add, "--comment=c", "Down")
    amtool("silence", "expire", "id-5")
    amtool("silence", "expire", "id-5", "id-9")
    amtool("silence", "expire", NOBODY)
    amtool("silence", "expire", "nonsense")
    amtool("silence", "expire")
    amtool("silence", "update", "--comment=first again", "--duration=3h", "id-1")
    amtool("silence", "update", f"--end={stamp(time.time() + 10000, 'seconds')}", "id-2")
    amtool("silence", "update", f"--start={stamp(time.time() + 1800, 'seconds')}", "--comment=sooner", "id-3", "-q")
    amtool("silence", "update", "-d5m", "id-5")
    amtool("silence", "update", "-d5m", NOBODY)
    amtool("silence", "update", "-d5m", "nonsense")
    amtool("silence", "update", "-d5m")
    for format in ("simple", "extended", "json"):
        out = ["-o", format, "silence", "query"]
        for more in ([], ["-q"], ["--expired"], ["--within=2h"], ["--within=1m"], ["--expired", "--within=1h"], ["--created-by=you"], ["--created-by=nobody"], ["--id=id-1"], ["--id=nonsense"], ["alertname=Quiet"], ["Quiet"],
                     ["cluster!=a"], ["instance=~h:.*"], ["cluster=~a"], ["severity=info", "cluster!=a"], ["\"odd.name\"=\"x y\""], ["a=~("], ["alertname=~Nob.*", "--expired"]):
            amtool(*out, *more)
    listed = json.dumps([dict(id="", matchers=[dict(name="alertname", value="Imported", isRegex=False, isEqual=True)], createdBy="me", comment="imported", startsAt=stamp(time.time()), endsAt=stamp(time.time() + 600)),
                         dict(matchers=[dict(name="a", value="b.*", isRegex=True)], createdBy="me", comment="imported, too", startsAt=stamp(time.time()), endsAt=stamp(time.time() + 700))])
    amtool("silence", "import", "-w1", stdin=listed)
    again = [dict(one, id=NOBODY, endsAt=stamp(time.time() + 800 + at)) for at, one in enumerate(json.loads(listed))]
    amtool("silence", "import", "-f", "-w1", stdin=json.dumps(again))
    amtool("silence", "import", "-w1", stdin="[{}]")
    amtool("silence", "import", "-w1", stdin="nonsense")
    amtool("silence", "import", "absent.json")
    amtool("silence", "query", "-o", "json", "--created-by=me")


def alerts():
    for format in ("simple", "extended", "json"):
        out = ["-o", format, "alert", "query"]
        for more in ([], ["--silenced"], ["--inhibited"], ["--active"], ["--unprocessed"], ["-s", "-i"], ["-a", "-u", "-s", "-i"], ["--receiver=pages"], ["--receiver=pag"], ["--receiver=p.*|mail"], ["--receiver=("],
                     ["Down"], ["alertname=Down"], ["Down", "severity=page"], ["severity=~p.*"], ["severity!=page"], ["severity!~p.*|i.*"], ["severity="], ["cluster=~\"a|b\""], ["\"odd.name\"=\"x y\""], ["odd.name=x y"], ["caf\u00e9=\u00e9<&>"],
                     ["absent=x"], ["a=~("], ["{alertname=Down,severity=page}"], ["=x"], ["Over"]):
            amtool(*out, *more)
    amtool("alert")
    amtool("alert", "Down")
    amtool("alert", "add", "alertname=Added", "node=bar", "--annotation=summary=a b", "--annotation=c=d", "--generator-url=http://g/x")
    amtool("alert", "add", "Added2", "node=bar", f"--start={stamp(time.time() - 60, 'seconds')}", f"--end={stamp(time.time() + 600, 'seconds')}")
    amtool("alert", "add", "Added3", "bad")
    amtool("alert", "add", "Added3", "a=~b")
    amtool("alert", "add", "Added3", "a=")
    amtool("alert", "add", "caf\u00e9.x=y")
    amtool("alert", "add")
    amtool("alert", "add", "Added4", f"--end={stamp(time.time() - 60, 'seconds')}", f"--start={stamp(time.time() - 30, 'seconds')}")
    amtool("alert", "add", "Added4", "--end=never")
    amtool("-o", "extended", "alert", "query", "alertname=~Added.*")
    amtool("-o", "extended", "alert", "query", "a!=", "caf\u00e9.x=y")


def configuration():
    for arguments in (["config"], ["config", "show"], ["-o", "extended", "config", "show"], ["-o", "json", "config", "show"], ["config", "routes"], ["config", "routes", "show"],
                      ["cluster"], ["cluster", "show"], ["-o", "extended", "cluster", "show"], ["-o", "json", "cluster", "show"]):
        amtool(*arguments)
    for labels in ([], ["severity=page"], ["severity=page", "team=ml"], ["severity=page", "team=web"], ["service=foo"], ["service=foo", "severity=page"], ["odd.name=x y"], ["bad"], ["=x"]):
        amtool("config", "routes", "test", *labels)
        amtool("config", "routes", "test", "--tree", *labels)
    amtool("config", "routes", "test", "--verify.receivers=pages,default", "severity=page")
    amtool("config", "routes", "test", "--verify.receivers=mail", "severity=page")
    amtool("config", "routes", "test", "--config.file=alertmanager.yml", "severity=page", "team=ml")
    amtool("check-config", "alertmanager.yml")
    amtool("template", "render", "--template.glob=*.tmpl", "--template.text={{ template \"own\" . }}")
    amtool("--version-check", "alert", "query", "-q")


SWITCHES = ("active", "silenced", "inhibited", "unprocessed", "muted")


def lists():
    for path in ("alerts", "alerts/groups"):
        for query in ["", *(f"{name}={value}" for name in SWITCHES for value in ("false", "true", "0", "banana", "")), "active=false&silenced=false&inhibited=false", "active=false&active=true",
                      "filter=alertname%3DDown", "filter=alertname%3D%22Down%22&filter=severity%3D%22page%22", "filter=%7Balertname%3D%22Down%22%7D", "filter=alertname%3D%22Down%22%2Cseverity%3D%22page%22", "filter[]=alertname%3D%22Down%22", "filter=alertname", "filter=", "filter=a%3D~%22(%22", "filter=%3D", "filter=a%3D%22x",
                      "filter=%22odd.name%22%3D%22x%20y%22", "filter=odd.name%3Dx%20y", "filter=alertname%3D%27Down%27", "filter=a%3D%3Db", "filter=a%20b%3Dc", "filter=severity!%3Dpage&filter=cluster!~%22a.*%22", "filter=a%3D%22%5Cd%22",
                      "receiver=pages", "receiver=pag", "receiver=.*", "receiver=(", "receiver=with%20blank", "receiver=nobody", "receiver_matchers=name%3Dpages", "receiver_matchers=name%3D~%22p.*%22", "receiver_matchers=x", "receiver_matchers=other%3Dx", "unknown=1"]:
            raw("GET", f"/api/v2/{path}" + ("?" + query if query else ""))
    for query in ["", "filter=alertname%3DQuiet", "filter=alertname%3D%22Quiet%22&filter=instance%3D~%22h%3A.*%22", "filter=alertname%3D~%22Qui.*%22", "filter=x", "filter=a%3D~%22(%22", "filter=cluster!%3Da", "active=false", "expired=false", "pending=false"]:
        raw("GET", "/api/v2/silences" + ("?" + query if query else ""))
    for query in ["", "?receiver_matchers=name%3Dpages", "?receiver_matchers=name%3D~%22n.*%22", "?receiver_matchers=x", "?receiver=pages"]:
        raw("GET", "/api/v2/receivers" + query)
    same("GET status", lambda server: [{k: v for k, v in server.ask("GET", "/api/v2/status")[2].items() if k != "versionInfo"}, sorted(server.ask("GET", "/api/v2/status")[2]["versionInfo"]), server.ask("GET", "/api/v2/status")[2]["versionInfo"]["version"]])


def posts():
    soon, later, before = stamp(time.time() + 60), stamp(time.time() + 900), stamp(time.time() - 900)
    ok = dict(labels=dict(alertname="P", posted="yes"))
    for body in ([], [ok], [{}], {}, "nonsense", "", "[", "null", "[null]", [dict(labels={})], [dict(labels={"a b": "c"})], [dict(labels={"": "c"})], [dict(labels={"alertname": ""})], [dict(labels={"alertname": 7})], [dict(labels=None)], [dict(labels=[])],
                 [dict(ok, annotations=None)], [dict(ok, annotations={"": "x"})], [dict(ok, unknown=1)], [dict(ok, startsAt=later, endsAt=soon)], [dict(ok, startsAt="yesterday")], [dict(ok, startsAt="2026-01-02 03:04:05")], [dict(ok, startsAt="2026-01-02")], [dict(ok, startsAt="")], [dict(ok, startsAt=7)],
                 [dict(ok, generatorURL="not a url")], [dict(ok, generatorURL="")], [dict(ok, generatorURL=7)], [dict(labels=dict(alertname="Kept", posted="yes")), dict(labels={}), dict(labels={"x": "y"}, startsAt=later, endsAt=soon)], [dict(labels=dict(alertname="E", empty="", posted="yes"), annotations=dict(e=""))],
                 [dict(labels=dict(alertname="Ends", posted="yes"), endsAt=soon)], [dict(labels=dict(alertname="Ended", posted="yes"), endsAt=before)], [dict(labels=dict(alertname="Began", posted="yes"), startsAt=before)], [dict(labels=dict(alertname="Future", posted="yes"), startsAt=soon, endsAt=later)],
                 [dict(labels=dict(alertname="Zero", posted="yes"), startsAt="0001-01-01T00:00:00Z", endsAt="0001-01-01T00:00:00.000Z")], [dict(labels={"alertname": "\ud800"})]):
        raw("POST", "/api/v2/alerts", body)
    raw("POST", "/api/v2/alerts", [ok], Content_Type="text/plain")
    raw("POST", "/api/v2/alerts", [ok], Content_Type="application/json; charset=utf-8")
    raw("POST", "/api/v2/alerts", [ok], Content_Type="application/x-yaml")
    raw("POST", "/api/v2/alerts", [ok], Content_Type="")
    raw("GET", "/api/v2/alerts?filter=posted%3Dyes")
    raw("POST", "/api/v2/alerts", [dict(labels=dict(alertname="Offset"), startsAt="2026-01-02T03:04:05+01:00", endsAt=later)])
    raw("POST", "/api/v2/alerts", [dict(labels=dict(alertname="Offset", n="2"), startsAt="2026-01-02T03:04:05.5-03:30"), dict(labels=dict(alertname="Offset", n="3"), startsAt="2026-01-02T03:04:05+00:00", endsAt="2099-01-02")])
    raw("POST", "/api/v2/alerts", [dict(labels=dict(alertname="Offset"), startsAt="2026-02-02T03:04:05-05:00", endsAt="2099-01-02T03:04:05+13:00")])
    raw("GET", "/api/v2/alerts?filter=alertname%3DOffset")
    matcher = dict(name="alertname", value="S", isRegex=False, isEqual=True)
    ok = dict(matchers=[matcher], startsAt=soon, endsAt=later, createdBy="me", comment="c")
    without = lambda key: {k: v for k, v in ok.items() if k != key}
    with_matcher = lambda **more: dict(ok, matchers=[{k: v for k, v in {**matcher, **more}.items() if v is not None}])
    for body in (ok, {}, [], "nonsense", "", "null", *(without(key) for key in ok), *(dict(ok, **{key: None}) for key in ok), *(dict(ok, **{key: ""}) for key in ok), dict(ok, matchers=[]), dict(ok, matchers=[{}]),
                 with_matcher(name=None), with_matcher(name=""), with_matcher(value=None), with_matcher(value=""), with_matcher(isRegex=None), with_matcher(isEqual=None), with_matcher(isEqual=False), with_matcher(value="(", isRegex=True), with_matcher(value=".*", isRegex=True), with_matcher(value="", isRegex=True),
                 with_matcher(isRegex="yes"), with_matcher(name="a b"), with_matcher(name=7), with_matcher(value="x", isEqual=False, isRegex=True), dict(ok, matchers=[matcher, dict(matcher, value="")]),
                 dict(ok, endsAt=soon), dict(ok, startsAt=later, endsAt=soon), dict(ok, startsAt=before, endsAt=stamp(time.time() - 800)), dict(ok, startsAt=before), dict(ok, startsAt="nonsense"), dict(ok, endsAt="2026-01-02"), dict(ok, unknown=1),
                 dict(ok, id=NOBODY), dict(ok, id="nonsense"), dict(ok, id=""), dict(ok, id="id-1"), dict(ok, id="id-5"), dict(ok, annotations=dict(a="b")), dict(ok, annotations=None), dict(ok, annotations={"": "b"}), dict(ok, annotations=dict(a=7)), dict(ok, comment="<&>\u2028\u00e9")):
        raw("POST", "/api/v2/silences", body)
    raw("POST", "/api/v2/silences", ok, Content_Type="text/plain")
    by_id = lambda answer: answer[:2] + [sorted(answer[2], key=json.dumps)]  # those that end together have no order
    same("GET silences that were posted", lambda server: by_id(server.ask("GET", "/api/v2/silences?filter=alertname%3DS")))


def others():
    for method in ("GET", "DELETE", "POST", "PUT", "HEAD", "OPTIONS"):
        for name in ("id-4", NOBODY, "nonsense", "", "id-4/x"):
            raw(method, f"/api/v2/silence/{name}")
    same("GET a silence in capitals", lambda server: server.ask("GET", f"/api/v2/silence/{server.id_of('id-1').upper()}"))
    raw("GET", "/api/v2/silence/id-4")
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "NONSENSE"):
        for path in ("alerts", "alerts/groups", "silences", "receivers", "status", "nothing", "alerts/", "", "silence"):
            if method != "GET" or path not in ("alerts", "alerts/", "alerts/groups", "silences", "status"):
                raw(method, f"/api/v2/{path}")
    raw("GET", "/api/v2")
    raw("GET", "/api/v2/alerts/?filter=alertname%3DDown")
    for path in ("alerts", "silences", "receivers"):
        # promlet's leave is wider: browsers may end silences from elsewhere, too.
        ask = {"Origin": "http://elsewhere", "Access-Control-Request-Method": "POST"}
        same(f"OPTIONS {path} in advance", lambda server: [(answer := server.ask("OPTIONS", f"/api/v2/{path}", None, ask))[0], answer[1]["access-control-allow-origin"], "POST" in answer[1]["access-control-allow-methods"]])
        raw("OPTIONS", f"/api/v2/{path}", Origin="http://elsewhere")
        raw("GET", f"/api/v2/{path}?filter=x", Origin="http://elsewhere")
    raw("GET", "/api/v2/receivers", Accept="text/plain")
    raw("GET", "/api/v2/receivers", Accept="text/html, application/json;q=0.5")
    raw("GET", "/api/v2/receivers", Accept="*/*")
    raw("POST", "/api/v2/alerts", [], Accept="text/plain")


root = tempfile.mkdtemp(prefix="amtool-")
options.promlet, options.alertmanager, options.amtool = (os.path.abspath(path) for path in (options.promlet, options.alertmanager, options.amtool))
servers = [Server(name) for name in PORTS]
try:
    [server.start() for server in servers]
    [server.ready() for server in servers]
    fill()
    silences()
    time.sleep(1.5)
    alerts()
    configuration()
    lists()
    posts()
    others()
finally:
    for server in servers:
        server.process.kill()
        server.process.wait()
    shutil.rmtree(root)
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
