#!/usr/bin/env python3
"""Late samples, deletions and snapshots: Prometheus and promlet are sent the same requests and must answer alike.

Both take remote write, with and without `out_of_order_time_window`, which is reloaded between; answers, counters and what
queries then find are compared. Usage:

    late.py [--port N] PROMLET PROMETHEUS

Exits 1 when anything differs; prints one line per difference and `N passed, N failed`.
"""
import argparse, json, os, re, shutil, signal, struct, subprocess, sys, tempfile, time
import urllib.error, urllib.parse, urllib.request

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, default=19310)
options.add_argument("promlet")
options.add_argument("prometheus")
options = options.parse_args()
P, Q = options.port, options.port + 1
NOW = int(time.time()) * 1000
MINUTE = 60_000
HEADERS = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0"}
passed, failed = 0, []


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n >= 0x80:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def request(series):
    """Remote write 1.0, snappy as one literal a stretch: [(name, [(minutes before now, value)])]."""
    out = b""
    for name, samples in series:
        labels = [("__name__", name), ("job", "late")]
        body = b"".join(field(1, field(1, n.encode()) + field(2, v.encode())) for n, v in labels)
        for minutes, value in samples:
            body += field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(NOW - int(minutes * MINUTE)))
        out += field(1, body)
    packed = varint(len(out))
    for at in range(0, len(out), 60):
        part = out[at : at + 60]
        packed += bytes([(len(part) - 1) << 2]) + part
    return packed


def ask(port, path, body=None, headers={}, method=None):
    url = f"http://127.0.0.1:{port}{path}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def same(what, p, q):
    global passed
    if p == q:
        passed += 1
    else:
        failed.append(what)
        print(f"{what}\n  prometheus {p}\n  promlet    {q}")


def write(what, *series):
    """Status, and of a refusal the reason that both begin with."""
    answers = []
    for port in (P, Q):
        status, text = ask(port, "/api/v1/write", request(series), HEADERS)
        reason = re.match(r"(out of order sample|duplicate sample for timestamp|out of bounds|too old sample)?", text).group(0)
        answers.append((status, reason))
    same(what, *answers)


def samples(what, selector='{job="late"}'):
    found = []
    for port in (P, Q):
        query = urllib.parse.urlencode({"query": f"{selector}[6h]", "time": NOW / 1000 + 1})
        result = json.loads(ask(port, f"/api/v1/query?{query}")[1]).get("data", {}).get("result", [])
        found.append(sorted((r["metric"]["__name__"], [[round((NOW / 1000 - t) / 60, 3), v] for t, v in r["values"]]) for r in result))
    same(what, *found)


def counters(what):
    names = ["out_of_order_samples_total", "out_of_bound_samples_total", "too_old_samples_total", "head_out_of_order_samples_appended_total"]
    found = []
    for port in (P, Q):
        text = ask(port, "/metrics")[1]
        value = lambda name: re.search(rf'prometheus_tsdb_{name}{{type="float"}} (\S+)', text)
        found.append({name: float(value(name).group(1)) if value(name) else None for name in names})
    same(what, *found)


def admin(what, path, method="POST", names=True):
    answers = [ask(port, f"/api/v1/admin/tsdb/{path}", b"", method=method) for port in (P, Q)]
    texts = [re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{16}", "NAME", text) for _, text in answers]
    same(what, (answers[0][0], texts[0].strip()), (answers[1][0], texts[1].strip()))


def names(what, start=None):
    query = f"&start={start}" if start else ""
    same(what, *[sorted(s["__name__"] for s in json.loads(ask(port, f"/api/v1/series?match[]={{job=%22late%22}}{query}")[1]).get("data", [])) for port in (P, Q)])


def configure(folder, window):
    for name in ("p", "q"):
        with open(os.path.join(folder, f"{name}.yml"), "w") as f:
            f.write("global: {scrape_interval: 1h}\n" + (f"storage: {{tsdb: {{out_of_order_time_window: {window}}}}}\n" if window else ""))


def start(folder):
    servers = []
    for name, port, binary in (("p", P, options.prometheus), ("q", Q, options.promlet)):
        argv = [binary, f"--config.file={folder}/{name}.yml", f"--storage.tsdb.path={folder}/{name}", f"--web.listen-address=127.0.0.1:{port}"]
        argv += ["--web.enable-remote-write-receiver", "--web.enable-lifecycle", "--web.enable-admin-api", "--log.level=error"]
        servers.append(subprocess.Popen(argv, stdout=open(f"{folder}/{name}.log", "a"), stderr=subprocess.STDOUT))
    for port in (P, Q):
        for _ in range(200):
            try:
                if ask(port, "/-/ready")[0] == 200:
                    break
            except OSError:
                pass
            time.sleep(0.1)
    return servers


def stop(servers):
    for server in servers:
        server.send_signal(signal.SIGTERM)
    for server in servers:
        server.wait(30)


def main(folder):
    configure(folder, None)
    servers = start(folder)
    write("first", ("a", [(30, 1)]), ("b", [(30, 1)]))
    write("forward", ("a", [(20, 2)]))
    write("behind", ("a", [(25, 9)]))
    write("again", ("a", [(20, 2)]))
    write("another value", ("a", [(20, 3)]))
    write("an old new series", ("c", [(79, 1)]))
    write("out of bounds", ("d", [(81, 1)]))
    write("out of bounds and known", ("a", [(200, 1)]))
    samples("without a window")
    counters("counters without a window")
    configure(folder, "2h")
    same("reload", *[ask(port, "/-/reload", b"")[0] for port in (P, Q)])
    write("late", ("a", [(25, 9)]))
    write("late, backwards", ("a", [(26, 8)]), ("b", [(40, 7)]))
    write("the newest with another value", ("a", [(20, 5)]))
    write("old and new", ("e", [(119, 1)]))
    write("too old", ("a", [(141, 1)]))
    write("too old and new", ("f", [(145, 1)]))
    write("forward again", ("a", [(10, 4)]), ("b", [(10, 4)]))
    write("several", ("g", [(100 - n, n) for n in range(20)]), ("h", [(15, 1)]))
    write("several late", ("g", [(110 - n, n) for n in range(9)]))
    samples("with a window")
    counters("counters with a window")
    # What a late sample at a time that is there counts as, and which of the two is served, Prometheus decides anew with each compaction.
    write("late again", ("a", [(26, 8)]))
    write("late with another value", ("a", [(26, 5)]))
    write("late at a time that is there", ("a", [(30, 99)]))
    stop(servers)
    servers = start(folder)
    samples("after a restart")
    write("late after a restart", ("b", [(35, 6)]))
    samples("late after a restart")
    configure(folder, None)
    same("reload back", *[ask(port, "/-/reload", b"")[0] for port in (P, Q)])
    write("behind, the window is shut", ("b", [(12, 6)]))
    admin("nothing to delete", "delete_series")
    admin("a bad time", "delete_series?match[]=a&start=x")
    admin("a bad flag", "snapshot?skip_head=maybe")
    admin("delete a series", "delete_series?match[]=a", "PUT")
    # Its head deletes late samples only between others.
    admin("delete a stretch", f"delete_series?match[]={{__name__=~%22g|b%22}}&start={(NOW - 33 * MINUTE) / 1000}&end={(NOW - 12 * MINUTE) / 1000}")
    samples("after deleting")
    write("what was deleted goes on", ("a", [(5, 6)]), ("b", [(5, 6)]))
    samples("after going on")
    admin("a snapshot", "snapshot")
    admin("a snapshot without head", "snapshot?skip_head=true")
    admin("clean", "clean_tombstones")
    samples("after cleaning")
    stop(servers)
    servers = start(folder)
    samples("after cleaning and a restart")
    names("names after cleaning and a restart")
    stop(servers)


folder = tempfile.mkdtemp(prefix="late-")
try:
    main(folder)
finally:
    shutil.rmtree(folder, ignore_errors=True)
print(f"{passed} passed, {len(failed)} failed")
sys.exit(bool(failed))
