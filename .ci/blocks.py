#!/usr/bin/env python3
"""Prometheus's data folder: read in place, imported, and written back, each compared with Prometheus itself.

A Prometheus gets a block from text, hours of history by remote write (some of it late), native histograms by scraping itself, float
histograms from a rule, and a deletion; then it is killed. It restarts on its folder, and promlet starts on a copy: both are asked the
same. So is promlet after `tsdb import`, and a Prometheus on the blocks of `tsdb export`. Prometheus's files must stay as they were. Usage:

    blocks.py PROMLET FLEET PEERS_BIN [PORT]

Exits 1 when an answer differs; prints one line per difference and `N passed, N failed`.
"""
import hashlib, json, math, os, re, shutil, signal, struct, subprocess, sys, tempfile, time
import urllib.error, urllib.parse, urllib.request

PROMLET, FLEET, PEERS = sys.argv[1:4]
PORT = int(sys.argv[4]) if len(sys.argv) > 4 else 19420
PROMETHEUS, PROMTOOL = os.path.join(PEERS, "prometheus"), os.path.join(PEERS, "promtool")
passed, failed, children = 0, 0, []


def check(what, ok, more=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"{what}: {more}"[:1000], flush=True)


def get(port, path, **parameters):
    url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
    try:
        return json.load(urllib.request.urlopen(url, timeout=60))
    except urllib.error.HTTPError as error:
        return json.load(error)


def post(port, path, **parameters):
    data = urllib.parse.urlencode(parameters, doseq=True).encode()
    return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=60).status


def start(binary, port, folder, config, *more):
    """A server that is ready, on a data folder."""
    path = os.path.join(work, f"{port}.yml")
    open(path, "w").write(config)
    log = open(os.path.join(work, f"{port}.log"), "a")
    arguments = [binary, f"--config.file={path}", f"--storage.tsdb.path={folder}", f"--web.listen-address=127.0.0.1:{port}"]
    arguments += ["--web.enable-lifecycle", "--web.enable-remote-write-receiver", "--web.enable-admin-api", "--storage.tsdb.retention.time=30d", *more]
    child = subprocess.Popen(arguments, stdout=log, stderr=log)
    children.append(child)
    for _ in range(300):
        try:
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5).status == 200:
                return child
        except OSError:
            pass
        if child.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(f"{arguments} is not ready:\n" + open(log.name).read()[-2000:])


def stop(child, how=signal.SIGTERM):
    child.send_signal(how)
    child.wait(30)


def tool(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    check(" ".join(arguments[:4]), done.returncode == 0, done.stdout[-400:] + done.stderr[-400:])
    return done.stdout


def fingerprint(folder):
    """Every file of Prometheus with its bytes."""
    found = {}
    for root, folders, files in os.walk(folder):
        if root == folder and "promlet" in folders:
            folders.remove("promlet")
        for name in files:
            # Who ends in order takes the lock away, as Prometheus does.
            if name == "lock":
                continue
            path = os.path.join(root, name)
            found[os.path.relpath(path, folder)] = hashlib.sha256(open(path, "rb").read()).hexdigest()
    return found


def bits(text):
    value = float(text)
    return "nan" if math.isnan(value) else struct.pack(">d", value)


def close(a, b):
    """Equal to the bit, or as near as sums in another order come."""
    if bits(a) == bits(b):
        return True
    a, b = float(a), float(b)
    return abs(a - b) <= 1e-11 * max(abs(a), abs(b))


def same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    try:
        return a == b or close(a, b)
    except (TypeError, ValueError):
        return False


def normal(answer):
    data = answer.get("data")
    if isinstance(data, dict) and isinstance(data.get("result"), list) and data["resultType"] in ("vector", "matrix"):
        data["result"].sort(key=lambda series: json.dumps(series["metric"], sort_keys=True))
    if isinstance(data, list):
        data.sort(key=lambda item: json.dumps(item, sort_keys=True))
    return {"status": answer["status"], "data": data, "error": answer.get("error")}


def questions():
    """Path and parameters of everything that is asked."""
    whole = {"start": FED_FROM, "end": FED_TO, "step": 60}
    live = {"start": SCRAPED_FROM - 5, "end": SCRAPED_TO + 30, "step": 1}
    old = {"start": TEXT_FROM - 60, "end": TEXT_TO + 60, "step": 15}
    for query in (
        "count by (__name__) ({__name__=~'.+'})", "sum by (instance) ({__name__=~'node_.*|go_.*|gpu_.*|DCGM.*|train.*'})",
        "sum by (instance, job) (rate({__name__=~'.+_total'}[5m]))", "quantile_over_time(0.9, {__name__=~'.*(temp|util|load).*'}[10m])",
        "max_over_time({instance=~'.*1.*'}[7m])", "count({__name__=~'.+'} offset 30m)", "changes({__name__=~'.+',job!=''}[15m]) > 2",
        "histogram_quantile(0.9, sum by (le) (rate({__name__=~'.+_bucket'}[5m])))", "{__name__=~'.+',instance=~'.*0.*'}",
    ):
        yield "/api/v1/query_range", {"query": query, **whole}
    for query in (
        # Not rate(): since prometheus/prometheus#16828 (after 3.5) a histogram is no more extrapolated below a count of zero.
        "prometheus_http_request_duration_seconds", "irate(prometheus_http_request_duration_seconds[10s])", "hist:rate",
        "histogram_quantile(0.5, sum(irate(prometheus_http_request_duration_seconds[10s])))", "histogram_count(prometheus_http_request_duration_seconds)",
        "histogram_sum({__name__=~'.+',job='custom'})", "histogram_quantile(0.9, {__name__=~'prometheus_.+_seconds',job='custom'})",
        "histogram_fraction(0, 0.1, hist:rate)", "count({__name__=~'.+'})", "up", "rate(prometheus_http_requests_total[10s])", "{job='prometheus'}",
        "up:count",
    ):
        yield "/api/v1/query_range", {"query": query, **live}
    for query in ("text_total", "rate(text_total[1m])", "text_gauge", "count({__name__=~'text.*'})"):
        yield "/api/v1/query_range", {"query": query, **old}
    for query, at in (
        ("{__name__=~'text_.+'}[20m]", TEXT_TO), ("{instance=~'.*2.*'}[3h]", FED_TO), ("prometheus_http_request_duration_seconds[5m]", SCRAPED_TO + 5),
        ("{__name__=~'.+',job=~'prometheus|custom'}[5m]", SCRAPED_TO + 5), ("hist:rate[5m]", SCRAPED_TO + 5), ("count_over_time({__name__=~'.+'}[4h])", FED_TO),
        ("{instance='box-0',__name__=~'node_.*'}[100m]", FED_TO), ("last_over_time({__name__=~'.+'}[7d])", SCRAPED_TO + 60),
    ):
        yield "/api/v1/query", {"query": query, "time": at}
    spans = ({"start": FED_FROM, "end": FED_TO}, {"start": TEXT_FROM, "end": TEXT_TO}, {"start": SCRAPED_FROM, "end": SCRAPED_TO})
    for span in spans:
        yield "/api/v1/series", {"match[]": "{__name__=~'.+'}", **span}
    # For these Prometheus does not look at time within its head.
    for span in (spans[1], {"start": TEXT_FROM, "end": SCRAPED_TO + 5}):
        yield "/api/v1/labels", {"match[]": "{__name__=~'.+'}", **span}
        yield "/api/v1/label/__name__/values", {"match[]": "{__name__=~'.+'}", **span}


def ask(port):
    return [(path, parameters, normal(get(port, path, **parameters))) for path, parameters in questions()]


def compare(name, expected, port):
    empty = 0
    for (path, parameters, theirs), (_, _, ours) in zip(expected, ask(port)):
        ok = same(theirs, ours)
        empty += not (theirs["data"] or {}) or (isinstance(theirs["data"], dict) and not theirs["data"]["result"])
        check(f"{name}: {path} {parameters}", ok, difference(theirs, ours))
    return empty


def deepest(x, y):
    """The first two parts that differ, without all that surrounds them."""
    pairs = []
    if isinstance(x, dict) and isinstance(y, dict) and x.keys() == y.keys():
        pairs = [(x[k], y[k]) for k in x]
    elif isinstance(x, list) and isinstance(y, list) and len(x) == len(y):
        pairs = list(zip(x, y))
    for a, b in pairs:
        if not same(a, b):
            # A sample's time tells more than its number.
            at = f"at {x[0]}: " if isinstance(x, list) and b is not y[0] and isinstance(x[0], (int, float)) else ""
            return at + deepest(a, b)
    return f"{json.dumps(x)[:300]} and ours {json.dumps(y)[:300]}"


def difference(theirs, ours):
    a, b = theirs.get("data"), ours.get("data")
    if isinstance(a, dict) and isinstance(b, dict):
        a, b = a["result"], b["result"]
    if not isinstance(a, list) or not isinstance(b, list):
        return f"{json.dumps(theirs)[:300]} and ours {json.dumps(ours)[:300]}"
    for x, y in zip(a, b):
        if not same(x, y):
            return f"{len(a)} and {len(b)}; first: {json.dumps(x['metric']) if 'metric' in x else ''} {deepest(x, y)}"
    return f"{len(a)} and ours {len(b)}"


def text_page():
    lines = ["# TYPE text counter"]
    for n in range(200):
        at = TEXT_FROM + 15 * n
        lines += [f'text_total{{n="{k}"}} {(n + k) * (n % 50)} {at}' for k in range(3)]
    lines.append("# TYPE text_gauge gauge")
    odd = ["NaN", "+Inf", "-Inf", "-0.0", "5e-324", "0.1", "1.7976931348623157e308"]
    lines += [f"text_gauge {odd[n % len(odd)]} {TEXT_FROM + 15 * n}" for n in range(200)]
    return "\n".join(lines) + "\n# EOF\n"


def quiet(rules=""):
    return "global: {scrape_interval: 1s, evaluation_interval: 1s}\nstorage: {tsdb: {out_of_order_time_window: 2h}}\n" + rules


def main():
    global FED_FROM, FED_TO, SCRAPED_FROM, SCRAPED_TO, TEXT_FROM, TEXT_TO
    now = int(time.time())
    FED_FROM, FED_TO = now - 5 * 3600, now - 60
    TEXT_FROM = now - 3 * 86400
    TEXT_TO = TEXT_FROM + 3000
    data = os.path.join(work, "data")
    page = os.path.join(work, "page.txt")
    open(page, "w").write(text_page())
    tool(PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", page, data)
    features = "--enable-feature=native-histograms,exemplar-storage,metadata-wal-records"
    server = start(PROMETHEUS, PORT, data, quiet(), features)
    feed = lambda targets, series, begin, end, *more: tool(
        FLEET, "feed", "--targets", str(targets), "--series", str(series), f"--url=http://127.0.0.1:{PORT}/api/v1/write",
        "--start", str(begin), "--end", str(end), "--step", "15", *more)
    feed(4, 200, FED_FROM, FED_TO, "--churn-percent", "10")
    # Late samples between those that are there.
    feed(1, 60, FED_TO - 3600 + 7, FED_TO - 1800 + 7, "--seed", "7")
    rules = os.path.join(work, "rules.yml")
    open(rules, "w").write("groups:\n- name: g\n  rules:\n  - {record: 'hist:rate', expr: 'irate(prometheus_http_request_duration_seconds[10s])'}\n  - {record: 'up:count', expr: 'count(up)'}\n")
    jobs = f"scrape_configs:\n- {{job_name: prometheus, static_configs: [{{targets: ['127.0.0.1:{PORT}']}}]}}\n"
    jobs += f"- {{job_name: custom, scrape_protocols: [OpenMetricsText1.0.0], convert_classic_histograms_to_nhcb: true, static_configs: [{{targets: ['127.0.0.1:{PORT}']}}]}}\n"
    open(os.path.join(work, f"{PORT}.yml"), "w").write(quiet(f"rule_files: [{rules}]\n{jobs}"))
    SCRAPED_FROM = int(time.time())
    post(PORT, "/-/reload")
    for _ in range(10):
        get(PORT, "/api/v1/query", query="up")
        time.sleep(1)
    SCRAPED_TO = int(time.time())
    post(PORT, "/api/v1/admin/tsdb/delete_series", **{"match[]": ["{__name__=~'node_.*',instance=~'.*3.*'}", "go_goroutines"], "start": FED_FROM + 3600, "end": SCRAPED_TO - 3})
    stop(server, signal.SIGKILL)
    began = time.time()
    copies = [os.path.join(work, name) for name in ("read", "imported", "in-place")]
    shutil.copytree(data, copies[0])
    shutil.copytree(data, copies[2])
    server = start(PROMETHEUS, PORT, data, quiet(), features)
    expected = ask(PORT)
    stop(server)

    before = fingerprint(copies[0])
    ours = start(PROMLET, PORT + 1, copies[0], quiet())
    empty = compare("read in place", expected, PORT + 1)
    check("most questions have answers", empty * 3 < len(expected), f"{empty} of {len(expected)} are empty")
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT + 1}/api/v1/admin/tsdb/snapshot", b"", timeout=60) as answer:
        copied = json.load(answer)["data"]["name"]
    # Deleting hides what Prometheus left, and writes nothing into it.
    series = lambda port: [s["__name__"] for s in get(port, "/api/v1/series", **{"match[]": "{__name__=~'text_.*'}", "start": TEXT_FROM, "end": TEXT_TO})["data"]]
    post(PORT + 1, "/api/v1/admin/tsdb/delete_series", **{"match[]": "text_total"})
    post(PORT + 1, "/api/v1/admin/tsdb/clean_tombstones")
    check("what is deleted is hidden", set(series(PORT + 1)) == {"text_gauge"}, series(PORT + 1))
    stop(ours)
    ours = start(PROMLET, PORT + 1, copies[0], quiet())
    check("and after a restart", set(series(PORT + 1)) == {"text_gauge"}, series(PORT + 1))
    stop(ours)
    os.remove(os.path.join(copies[0], "promlet", "prometheus-deleted"))
    copied = os.path.join(copies[0], "snapshots", copied)
    ours = start(PROMLET, PORT + 2, copied, quiet())
    compare("a snapshot of it", expected, PORT + 2)
    stop(ours)
    shutil.rmtree(os.path.dirname(copied))
    after = fingerprint(copies[0])
    check("Prometheus's files are as they were", before == after, str({k for k in before.keys() | after.keys() if before.get(k) != after.get(k)}))

    # Killed before anything, in the midst of a part, and after each of the first parts.
    segments = lambda: [entry for entry in (os.listdir(os.path.join(copies[1], "promlet")) if os.path.isdir(os.path.join(copies[1], "promlet")) else []) if re.fullmatch(r"segment-\d{8}", entry)]
    for wait, parts in ((0.02, 99), (5, 1), (0.03, 99), (5, 2), (5, 3)):
        killed = subprocess.Popen([PROMLET, "tsdb", "import", copies[0], "--storage.tsdb.path", copies[1]], stdout=subprocess.DEVNULL)
        until = time.time() + wait
        while time.time() < until and len(segments()) < parts and killed.poll() is None:
            time.sleep(0.002)
        stop(killed, signal.SIGKILL)
    resumed = tool(PROMLET, "tsdb", "import", copies[0], "--storage.tsdb.path", copies[1]).strip()
    print(resumed)
    parts = re.match(r"imported (\d+) of \d+ parts \((\d+) were there already\)", resumed)
    check("an import that was killed goes on half-way", parts and int(parts[1]) > 0 and int(parts[2]) > 0, resumed)
    check("import left the source alone", {k: v for k, v in fingerprint(copies[0]).items()} == before)
    again = tool(PROMLET, "tsdb", "import", copies[0], "--storage.tsdb.path", copies[1])
    check("a second import has nothing to do", again.startswith("imported 0 of "), again)
    ours = start(PROMLET, PORT + 2, copies[1], quiet())
    compare("imported", expected, PORT + 2)
    stop(ours)
    tool(PROMLET, "tsdb", "import", copies[2], "--storage.tsdb.path", copies[2])
    ours = start(PROMLET, PORT + 2, copies[2], quiet())
    compare("imported in place", expected, PORT + 2)
    stop(ours)
    for folder in copies:
        tool(PROMLET, "tsdb", "verify", "--storage.tsdb.path", folder)
        tool(PROMLET, "tsdb", "info", "--storage.tsdb.path", folder)
    for folder, name in ((copies[0], "exported"), (copies[1], "imported and exported")):
        blocks = os.path.join(work, name.replace(" ", "-"))
        print(tool(PROMLET, "tsdb", "export", "--blocks", blocks, "--storage.tsdb.path", folder).strip())
        for block in [entry for entry in os.listdir(blocks) if len(entry) == 26][:2]:
            tool(PROMTOOL, "tsdb", "analyze", blocks, block)
        server = start(PROMETHEUS, PORT + 3, blocks, quiet(), features)
        compare(name, expected, PORT + 3)
        stop(server)
    dumped = os.path.join(work, "dump.txt")
    open(dumped, "w").write(tool(PROMLET, "tsdb", "dump", "--storage.tsdb.path", copies[1], "--match", "{__name__=~'text_.*'}"))
    tool(PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", dumped, os.path.join(work, "dumped"))
    print(f"{passed} passed, {failed} failed, {time.time() - began:.0f} s of comparing")


work = tempfile.mkdtemp(prefix="blocks-")
try:
    main()
finally:
    for child in children:
        if child.poll() is None:
            child.kill()
    if os.environ.get("KEEP"):
        print(work)
    else:
        shutil.rmtree(work, ignore_errors=True)
sys.exit(1 if failed else 0)
