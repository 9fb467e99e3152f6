#!/usr/bin/env python3
"""Live oracle: Prometheus and promlet hold the same samples and are asked the same questions.

Prometheus scrapes recorded exporters and forwards everything to promlet by remote write (stale markers included);
both also scrape a page that stands still, so that promlet's own scraping is compared too. Usage:

    oracle.py PROMLET FLEET PROMETHEUS PAGES QUERIES [SECONDS]

PAGES is the unpacked recording. Exits 1 when an answer differs; prints one line per difference and `N passed, N failed`.
"""
import json, math, os, shutil, signal, subprocess, sys, tempfile, time, urllib.error, urllib.parse, urllib.request

promlet, fleet, prometheus, pages, queries = sys.argv[1:6]
seconds = int(sys.argv[6]) if len(sys.argv) > 6 else 75
work = tempfile.mkdtemp(prefix="oracle-")
procs = []
P, Q = "http://127.0.0.1:19301", "http://127.0.0.1:19302"


def start(name, *argv):
    log = open(os.path.join(work, name + ".log"), "w")
    procs.append(subprocess.Popen(argv, stdout=log, stderr=log))


def write(name, text):
    path = os.path.join(work, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def get(base, path, **params):
    try:
        with urllib.request.urlopen(f"{base}{path}?" + urllib.parse.urlencode(params), timeout=60) as r:
            return json.load(r)
    except urllib.error.HTTPError as e:
        return json.loads(e.read() or b"{}")


def ready(base):
    for _ in range(150):
        try:
            urllib.request.urlopen(base + "/-/ready", timeout=2).read()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{base} does not get ready: see {work}")


def close(a, b):
    a, b = float(a), float(b)
    return (math.isnan(a) and math.isnan(b)) or a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def difference(a, b):
    if a.get("status") != b.get("status"):
        return f"{a.get('status')} {a.get('error', '')} / {b.get('status')} {b.get('error', '')}"
    if a["status"] == "error":
        return None if a.get("error") == b.get("error") else f"{a.get('error')} / {b.get('error')}"
    a, b = a["data"], b["data"]
    if a["resultType"] != b["resultType"]:
        return f"{a['resultType']} / {b['resultType']}"
    if a["resultType"] in ("scalar", "string"):
        return None if close(a["result"][1], b["result"][1]) else f"{a['result']} / {b['result']}"
    key = lambda s: json.dumps(s["metric"], sort_keys=True)
    x, y = sorted(a["result"], key=key), sorted(b["result"], key=key)
    if [key(s) for s in x] != [key(s) for s in y]:
        only = {key(s) for s in x} ^ {key(s) for s in y}
        return f"{len(x)} / {len(y)} series, e.g. {sorted(only)[:1]}"
    for s, t in zip(x, y):
        v, w = s.get("values") or [s["value"]], t.get("values") or [t["value"]]
        if [p[0] for p in v] != [p[0] for p in w]:
            return f"other times in {key(s)}: {len(v)} / {len(w)} points"
        for (at, one), (_, two) in zip(v, w):
            if not close(one, two):
                return f"{key(s)} at {at}: {one} / {two}"
    return None


def main():
    sd, still = os.path.join(work, "sd.json"), os.path.join(work, "still.json")
    start("replay", fleet, "replay", "--pages", pages, "--every", "1", "--listen", "127.0.0.1:19303", "--sd-file", sd)
    start("still", fleet, "replay", "--pages", pages, "--every", "100000", "--listen", "127.0.0.1:19304", "--sd-file", still)
    time.sleep(1)
    scrape = "global: {scrape_interval: 1s}\nscrape_configs:\n"
    job = lambda name, file: f"- job_name: {name}\n  file_sd_configs: [{{files: ['{file}']}}]\n  relabel_configs: [{{target_label: job, replacement: {name}}}]\n"
    forward = (
        f"remote_write:\n- url: {Q}/api/v1/write\n  queue_config: {{min_shards: 2, max_samples_per_send: 500, batch_send_deadline: 1s}}\n"
        "  write_relabel_configs: [{source_labels: [job], regex: recorded, action: keep}]\n"
    )
    one = write("prometheus.yml", scrape + job("recorded", sd) + job("still", still) + forward)
    two = write("scrape.yml", scrape + job("still", still))
    start("promlet", promlet, f"--config.file={two}", f"--storage.tsdb.path={work}/q", "--web.listen-address=127.0.0.1:19302", "--web.enable-remote-write-receiver")
    ready(Q)
    start("prometheus", prometheus, f"--config.file={one}", f"--storage.tsdb.path={work}/p", "--web.listen-address=127.0.0.1:19301", "--log.level=warn")
    ready(P)
    begin = time.time()
    time.sleep(seconds)
    end = int(time.time()) - 6  # what is older has been forwarded
    failed = passed = 0
    asked = [("still", '{job="still",__name__!~"up|scrape_.*"}'), ("still", 'count by (__name__) ({job="still"})')]
    asked += [line.strip().split(" ", 1) for line in open(queries) if line.strip() and not line.startswith("#")]
    for kind, query in asked:
        if kind == "range":
            calls = [("/api/v1/query_range", dict(query=query, start=begin + 12, end=end, step=step)) for step in (1, 3.7)]
        else:
            calls = [("/api/v1/query", dict(query=query, time=at)) for at in (end, end - 7.3, begin + 20)]
        for path, params in calls:
            why = difference(get(P, path, **params), get(Q, path, **params))
            if why:
                failed += 1
                print(f"DIFFERS {kind} {query} {({k: v for k, v in params.items() if k != 'query'})}: {why}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return failed > 0


code = 2
try:
    code = int(main())
finally:
    for p in procs:
        p.send_signal(signal.SIGTERM)
    for p in procs:
        try:
            p.wait(20)
        except subprocess.TimeoutExpired:
            p.kill()
    if code == 0:
        shutil.rmtree(work, ignore_errors=True)
    else:
        print(f"logs and data: {work}")
sys.exit(code)
