#!/usr/bin/env python3
"""Damaged files of the data folder: refused, or served around, with an error that names the file; never a panic, never a wrong value.

    damage.py [--seed N] [--port N] [--verbose] PROMLET

A folder with sealed segments, an open one, a log, a manifest and silences is copied for each case; one file of it is emptied, cut in the middle,
flipped in one bit (also within the text of a silence), overwritten in a stretch, or removed. Then `tsdb verify` reads it, and the program is started on
it. Either it ends with an error that names the file and a way out, or it serves: every value and every silence is one that was written, and where any
is missing both `tsdb verify` and the log or the answer name the file.
Exits 1 where one of these does not hold.
"""
import argparse, json, os, random, re, shutil, signal, struct, subprocess, sys, tempfile, time, urllib.error, urllib.parse, urllib.request

from protobuf import field, varint

options = argparse.ArgumentParser()
options.add_argument("--seed", type=int, default=1)
options.add_argument("--port", type=int, default=19370)
options.add_argument("--verbose", action="store_true")
options.add_argument("promlet")
options = options.parse_args()
PORT, dice = options.port, random.Random(options.seed)
SERIES, BEGAN = 50, int(time.time()) - 3000
wrong, cases, SILENCES = [], 0, []


def value(n, second):
    """One column in three stands still, one counts, one is noise."""
    return [7.0, float(second), random.Random(n * 100_003 + second).random()][n % 3]


def push(second):
    out = b""
    for n in range(SERIES):
        labels = b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in [("__name__", "kept"), ("n", str(n))])
        out += field(1, labels + field(2, b"\x09" + struct.pack("<d", value(n, second)) + b"\x10" + varint((BEGAN + second) * 1000)))
    packed = varint(len(out)) + b"".join(bytes([(len(out[at : at + 60]) - 1) << 2]) + out[at : at + 60] for at in range(0, len(out), 60))
    ask("/api/v1/write", packed, {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"})


def ask(path, body=None, headers={}):
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", body, headers), timeout=20) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def silence():
    at = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    body = {"matchers": [{"name": "a", "value": "b", "isRegex": False, "isEqual": True}], "startsAt": at(0), "endsAt": at(36000), "createdBy": "me", "comment": "kept"}
    ask("/api/v2/silences", json.dumps(body).encode(), {"Content-Type": "application/json"})


def serve(folder):
    """The server, or None where it ended by itself."""
    argv = [os.path.abspath(options.promlet), "--config.file=../p.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{PORT}", "--web.enable-remote-write-receiver"]
    server = subprocess.Popen(argv, cwd=folder, stdout=open(f"{folder}/log", "a"), stderr=subprocess.STDOUT)
    for _ in range(400):
        if server.poll() is not None:
            return server, False
        try:
            if "Ready" in ask("/-/ready"):
                return server, True
        except OSError:
            pass
        time.sleep(0.03)
    return server, False


def make(folder):
    os.mkdir(folder)
    for seconds, is_killed in ((range(0, 400), False), (range(400, 700), False), (range(700, 1000), True)):
        server, _ = serve(folder)
        for second in seconds:
            push(second)
        silence()
        SILENCES[:] = plain(ask("/api/v2/silences"))
        server.kill() if is_killed else server.send_signal(signal.SIGTERM)
        server.wait(30)
    os.remove(f"{folder}/log")


def damaged(kind, content):
    at = dice.randrange(max(len(content), 1))
    match kind:
        case "flipped text":
            at = dice.choice([found.start() for found in re.finditer(b"kept", content)])
            return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        case "emptied":
            return b""
        case "cut":
            return content[:at]
        case "flipped":
            return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]
        case "overwritten":
            return content[:at] + dice.randbytes(min(200, len(content) - at)) + content[at + 200 :]


def check(base, name, kind):
    global cases
    cases += 1
    folder = f"{os.path.dirname(base)}/case"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    path = f"{folder}/data/promlet/{name}"
    content = open(path, "rb").read()
    os.remove(path)
    if kind != "removed":
        open(path, "wb").write(damaged(kind, content))
    verified = subprocess.run([os.path.abspath(options.promlet), "tsdb", "verify", "--storage.tsdb.path=data"], cwd=folder, capture_output=True, text=True)
    verified = verified.stdout + verified.stderr
    server, is_ready = serve(folder)
    try:
        if not is_ready:
            said = open(f"{folder}/log").read()
            good = server.poll() not in (None, 0) and name in said and "panicked" not in said
            return report(name, kind, good, "refused: " + said.strip().splitlines()[-1] if said.strip() else "not ready and silent")
        answer = json.loads(ask("/api/v1/query?" + urllib.parse.urlencode({"query": "kept[1h]", "time": BEGAN + 1100})))
        result = answer.get("data", {}).get("result", [])
        found = [(int(s["metric"]["n"]), round(t) - BEGAN, float(v)) for s in result for t, v in s["values"]]
        bad = [sample for sample in found if sample[2] != value(sample[0], sample[1])]
        missing = SERIES * 1000 - len(found)
        silences = plain(ask("/api/v2/silences"))
        bad += [silence for silence in silences if silence not in SILENCES]
    finally:
        server.kill()
        server.wait()
    said = open(f"{folder}/log").read()
    lines = [line for line in (said + answer.get("error", "")).splitlines() if name in line]
    # A log of which nothing is needed, or a file that can be made again, is no loss.
    is_whole = missing == 0 and len(silences) == 3
    good = not bad and (is_whole or lines and name.removesuffix("-wal") in verified) and "panicked" not in said + verified
    detail = f"{missing} of {SERIES * 1000} samples missing, {len(silences)} of 3 silences, {len(bad)} wrong values; " + (lines or ["nothing said"])[0]
    report(name, kind, good, detail if is_whole or name.removesuffix("-wal") in verified else detail + "; verify: " + verified)


def plain(silences):
    return [{key: silence[key] for key in ("id", "matchers", "startsAt", "endsAt", "comment", "createdBy")} for silence in json.loads(silences)]


def report(name, kind, good, detail):
    if not good:
        wrong.append((name, kind))
    if options.verbose or not good:
        print(f"{'ok  ' if good else 'FAIL'} {name} {kind}: {detail}", flush=True)


FILES = {"p.yml": "global: {scrape_interval: 1h}\n", "alertmanager.yml": "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"}
folder = tempfile.mkdtemp(prefix="damage-")
try:
    for name, text in FILES.items():
        open(f"{folder}/{name}", "w").write(text)
    make(f"{folder}/base")
    names = sorted(os.listdir(f"{folder}/base/data/promlet"))
    for name in names:
        # SQLite makes its index file anew; the reserve holds nothing.
        if not name.endswith("-shm") and name != "reserve":
            for kind in ["emptied", "removed"] + ["cut"] * 3 + ["flipped"] * 5 + ["overwritten"] * 3 + ["flipped text"] * 3 * (name == "state.db"):
                check(f"{folder}/base", name, kind)
finally:
    shutil.rmtree(folder, ignore_errors=True)
print(f"{cases} cases over {', '.join(names)}; {len(wrong)} wrong")
sys.exit(bool(wrong))
