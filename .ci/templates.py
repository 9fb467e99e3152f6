#!/usr/bin/env python3
"""Templates beside Go's: notification texts beside `amtool template render`, rule texts beside a running Prometheus.

The texts are those of `tests/template/live.json` and, where a folder of rule files is given, the annotations of those rules. Usage:

    templates.py [--port N] [--rules FOLDER] PROMLET PROMETHEUS AMTOOL

Rendered texts must be equal, and what one refuses the other must refuse with the same sentence. Exits 1 when anything differs.
"""
import argparse, concurrent.futures, glob, json, os, re, shutil, subprocess, sys, tempfile, time, urllib.error, urllib.request

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, default=19340)
options.add_argument("--rules", default="")
options.add_argument("promlet")
options.add_argument("prometheus")
options.add_argument("amtool")
options = options.parse_args()
promlet, prometheus, amtool = (os.path.abspath(path) for path in (options.promlet, options.prometheus, options.amtool))
here = os.path.dirname(os.path.abspath(__file__))
texts = json.load(open(f"{here}/../tests/template/live.json"))
passed, failed = 0, []


def same(what, theirs, ours):
    global passed
    if theirs == ours:
        passed += 1
    else:
        failed.append(what)
        print(f"{what}\n  Go's {theirs!r}\n  ours {ours!r}")


def normal(message):
    message = re.sub(r"^(amtool: error|promlet template render): ", "", message.strip())
    # Go lets templates call themselves 100000 deep; the limit here is stated in its words.
    return message.replace("*template.Data", "template.Data").replace("depth (100000)", "depth (300)")


def rendered(program, folder, kind, text):
    command = [program, "template", "render", f"--template.glob={folder}/*.tmpl", f"--template.type={kind}", f"--template.text={text}"]
    command.append(f"--template.data={folder}/data.json")
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return done.stdout if done.returncode == 0 else f"error: {normal(done.stderr)}"


DATA = {
    "receiver": "receiver", "status": "alertstatus", "externalURL": "https://example.com",
    "alerts": [
        {"status": "firing", "labels": {"alertname": "Hot", "instance": "foo.bar:1234", "label1": "value1"}, "annotations": {"a": "<x>", "b": "it's"},
         "startsAt": "2026-01-02T03:04:05Z", "endsAt": "2026-01-02T03:09:05Z", "generatorURL": "https://g/?a=1&b=2", "fingerprint": "f1"},
        {"status": "resolved", "labels": {"baz": "qux", "foo": "bar"}, "annotations": {"aaa": "bbb"},
         "startsAt": "2025-12-31T23:59:59Z", "endsAt": "2026-01-02T03:09:05Z", "generatorURL": "https://g", "fingerprint": "f2"},
    ],
    "groupLabels": {"grouplabelkey1": "groupvalue1", "grouplabelkey2": "groupvalue2"},
    "commonLabels": {"commonlabelkey1": "commonvalue1", "commonlabelkey2": "commonvalue2"},
    "commonAnnotations": {"c": "d"},
}


def notifications(folder):
    open(f"{folder}/a.tmpl", "w").write('{{ define "mine" }}<{{ . }}>{{ end }}')
    json.dump(DATA, open(f"{folder}/data.json", "w"))
    known = json.load(open(f"{here}/../tests/template/notification.json"))["cases"]
    all_texts = texts["notification"] + [case["template"] for case in known]
    cases = [(kind, text) for text in all_texts for kind in ("text", "html")]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        both = list(pool.map(lambda case: [rendered(program, folder, *case) for program in (amtool, promlet)], cases))
    for (kind, text), (theirs, ours) in zip(cases, both):
        same(f"{kind} {text!r}", theirs, ours)


def corpus_texts():
    found = []
    for path in sorted(glob.glob(f"{options.rules}/*.yml")) if options.rules else []:
        for line in open(path):
            value = re.match(r"\s+(?:summary|description): (.*\{\{.*)$", line)
            if value:
                text = value.group(1).strip()
                found.append(json.loads(text) if text.startswith('"') else text.strip("'"))
    return found


def start(binary, port, folder):
    command = [binary, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data-{port}", f"--web.listen-address=127.0.0.1:{port}",
               "--web.external-url=http://p.example:9090/path", "--web.route-prefix=/"]
    log = open(f"{folder}/log-{port}", "ab")
    return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


def annotations(port, count):
    for _ in range(150):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/rules", timeout=5) as answer:
                rules = [rule for group in json.loads(answer.read())["data"]["groups"] for rule in group["rules"]]
        except (urllib.error.URLError, OSError):
            rules = []
        if len(rules) == count and all(rule["alerts"] for rule in rules):
            return {rule["name"]: rule["alerts"][0]["annotations"].get("t", "") for rule in rules}
        time.sleep(0.2)
    sys.exit(f"port {port}: not every rule has an alert")


def rules(folder):
    known = json.load(open(f"{here}/../tests/template/rule.json"))["cases"]
    all_texts = texts["rule"] + [case["template"] for case in known if "load_error" not in case] + corpus_texts()
    value = 'label_replace(label_replace(vector(1234.5678), "instance", "h.example.org:9100", "", ""), "job", "node", "", "")'
    alerts = [{"alert": f"T{place}", "expr": value, "annotations": {"t": text}} for place, text in enumerate(all_texts)]
    json.dump({"groups": [{"name": "g", "interval": "1s", "rules": alerts}]}, open(f"{folder}/r.yml", "w"))
    config = {"global": {"external_labels": {"site": "home"}, "evaluation_interval": "1s"}, "rule_files": ["r.yml"], "scrape_configs": []}
    json.dump(config, open(f"{folder}/prometheus.yml", "w"))
    processes = [start(prometheus, options.port, folder), start(promlet, options.port + 1, folder)]
    try:
        theirs, ours = (annotations(port, len(alerts)) for port in (options.port, options.port + 1))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for alert in alerts:
        same(f"rule {alert['annotations']['t']!r}", theirs[alert["alert"]], ours[alert["alert"]])


def refusals(folder):
    """Prometheus names every broken text of its rule files when it starts."""
    known = json.load(open(f"{here}/../tests/template/rule.json"))["cases"]
    broken = texts["broken"] + [case["template"] for case in known if "load_error" in case]
    alerts = [{"alert": f"T{place}", "expr": "1", "annotations": {"t": text}} for place, text in enumerate(broken)]
    json.dump({"groups": [{"name": "g", "rules": alerts}]}, open(f"{folder}/r.yml", "w"))
    json.dump({"rule_files": ["r.yml"]}, open(f"{folder}/prometheus.yml", "w"))
    command = [prometheus, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:0"]
    theirs = subprocess.run(command, capture_output=True, text=True, timeout=20).stderr
    theirs = "\n".join(json.loads(quoted) for quoted in re.findall(r'err=("(?:[^"\\]|\\.)*")', theirs))
    ours = subprocess.run([promlet, "check", "rules", "--lint=none", f"{folder}/r.yml"], capture_output=True, text=True, timeout=20).stdout
    for place, text in enumerate(broken):
        said = [re.search(rf"template: __alert_T{place}:.*", output) for output in (theirs, ours)]
        same(f"refused {text!r}", *(found.group(0) if found else "accepted" for found in said))


root = tempfile.mkdtemp(prefix="templates-")
try:
    notifications(root)
    rules(root)
    refusals(root)
finally:
    shutil.rmtree(root)
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
