#!/usr/bin/env python3
"""A full disk: samples are refused and said to be, everything else goes on, and writing resumes by itself when there is space.

    full_disk.py [--port N] PROMLET

The data folder lies on a tmpfs of 32 MB in a mount namespace of its own. While the disk is full: queries and pages are served, remote write is
refused with a word on the way out, rules go on, an alert that begins now is told, silences are taken, `/metrics`, the log and the
overview say what is wrong. A kill -9 then, and a start on a disk on which others have taken the reserve, too, change nothing of that but one thing: a silence
is refused with a word on the way out. With space again samples are taken, and all
that was acknowledged is there, also after another start. Prints a line of figures; exits 1 where anything is otherwise.
"""
import argparse, http.server, json, os, re, shutil, signal, struct, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.parse, urllib.request

from protobuf import field, varint

if "--inside" not in sys.argv:
    # A mount that nobody else sees and that goes with us; without privileges in a user namespace.
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    if subprocess.call([*unshare, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]) != 0:
        print("NOT CHECKED: this machine lets nobody mount a file system of their own; the store's part is in tests/it/tsdb_faults.rs")
        sys.exit(0)
    sys.exit(subprocess.call([*unshare, sys.executable, *sys.argv, "--inside"]))
options = argparse.ArgumentParser()
options.add_argument("--inside", action="store_true")
options.add_argument("--port", type=int, default=19340)
options.add_argument("promlet")
options = options.parse_args()
PORT, PAGES = options.port, options.port + 1
MIB = 1 << 20
wrong, heard, serial, pushed, servers = [], [], 0, {}, []


def expect(what, is_so, detail=""):
    if not is_so:
        wrong.append(what)
    print(f"{'ok  ' if is_so else 'FAIL'} {what}{'' if is_so else f': {detail}'}", flush=True)


class Peer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global serial
        serial += 1
        noise = os.urandom(8 * 100)
        lines = [f"serial {serial}"] + [f'noise{{n="{n}"}} {struct.unpack_from("<q", noise, n * 8)[0] / 7}' for n in range(100)]
        self.answer("\n".join(lines) + "\n")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        heard.append((body["groupLabels"]["alertname"], body["status"]))
        self.answer("ok")

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def ask(path, body=None, headers={}):
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", body, headers), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def push():
    """One sample; what is acknowledged is remembered."""
    at, value = int(time.time() * 1000), len(pushed)
    labels = b"".join(field(1, field(1, k) + field(2, v)) for k, v in [(b"__name__", b"pushed"), (b"job", b"j")])
    out = field(1, labels + field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(at)))
    packed = varint(len(out)) + b"".join(bytes([(len(out[n : n + 60]) - 1) << 2]) + out[n : n + 60] for n in range(0, len(out), 60))
    status, text = ask("/api/v1/write", packed, {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"})
    if status // 100 == 2:
        pushed[at] = value
    time.sleep(0.002)
    return status, text


def query(text):
    return json.loads(ask("/api/v1/query?" + urllib.parse.urlencode({"query": text}))[1]).get("data", {}).get("result", [])


def silence():
    at = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    body = {"matchers": [{"name": "a", "value": "b", "isRegex": False, "isEqual": True}], "startsAt": at(0), "endsAt": at(3600), "createdBy": "me", "comment": "full"}
    status, text = ask("/api/v2/silences", json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.loads(text)["silenceID"] if status == 200 else f"{status} {text}"


def metric(name):
    found = re.search(rf"^{name} (\S+)$", ask("/metrics")[1], re.M)
    return float(found.group(1)) if found else None


def until(what, is_so, seconds=30):
    for _ in range(seconds * 10):
        if is_so():
            return expect(what, True)
        time.sleep(0.1)
    expect(what, False, f"not within {seconds} s")


def serve(folder):
    argv = [os.path.abspath(options.promlet), "--config.file=p.yml", "--storage.tsdb.path=disk/data", f"--web.listen-address=127.0.0.1:{PORT}", "--web.enable-remote-write-receiver"]
    server = subprocess.Popen(argv, cwd=folder, stdout=open(f"{folder}/log", "a"), stderr=subprocess.STDOUT)
    servers.append(server)
    for _ in range(300):
        try:
            if ask("/-/ready")[0] == 200:
                return server
        except OSError:
            time.sleep(0.1)
        if server.poll() is not None:
            break
    sys.exit(f"the server did not start: {open(f'{folder}/log').read()[-2000:]}")


def fill(folder):
    """Takes all the space there is."""
    with open(f"{folder}/disk/filler", "ab", buffering=0) as filler:
        for size in (MIB, 4096, 1):
            while True:
                try:
                    filler.write(b"\1" * size)
                except OSError:
                    break


def all_there(when):
    samples = {round(t * 1000): float(v) for series in query("pushed[1h]") for t, v in series["values"]}
    missing = [at for at, value in pushed.items() if samples.get(at) != value]
    expect(f"{when}: every acknowledged sample is there", not missing and len(samples) >= len(pushed), f"{len(missing)} of {len(pushed)} are missing")


FILES = {
    "p.yml": f"""global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}
rule_files: [r.yml]
scrape_configs: [{{job_name: j, static_configs: [{{targets: ['127.0.0.1:{PAGES}']}}]}}]
""",
    "r.yml": """groups:
- name: g
  rules:
  - {alert: Always, expr: vector(1)}
  - {alert: Pushed, expr: count(pushed) > 0}
  - {alert: Meanwhile, expr: 'vector(time()) > BEGINS'}
""",
    "alertmanager.yml": f"""route: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 200ms, repeat_interval: 12h}}
receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{PAGES}/hook'}}]}}]
""",
}


def while_full(when, begins):
    until(f"{when}: /metrics says that no samples are taken", lambda: (push(), metric("promlet_tsdb_read_only"))[1] == 1.0)
    status, text = push()
    expect(f"{when}: remote write is refused as something to be sent again, with a way out", status // 100 == 5 and "free some space" in text, f"{status} {text}")
    expect(f"{when}: healthy and ready", ask("/-/healthy")[0] == ask("/-/ready")[0] == 200)
    overview = json.loads(ask("/api/v1/promlet/overview")[1])["data"]
    expect(f"{when}: the overview names it", any("space" in str(problem) for problem in overview["problems"]), overview["problems"])
    expect(f"{when}: what is stored is served", len(query("serial[1h]")) == 1)
    id = silence()
    is_taken = re.fullmatch(r"[0-9a-f-]{36}", id)
    if begins:
        expect(f"{when}: a silence is taken", is_taken, id)
        until(f"{when}: an alert that begins now is told", lambda: ("Meanwhile", "firing") in heard, int(begins - time.time()) + 15)
    else:
        expect(f"{when}: a silence is taken, or refused with a way out", is_taken or "free space" in id, id)
    expect(f"{when}: nobody is told that an alert ended", not [h for h in heard if h[1] != "firing"], heard)
    return {id} if is_taken else set()


def main(folder):
    os.mkdir(f"{folder}/disk")
    subprocess.check_call(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", f"{folder}/disk"])
    begins = time.time() + 25
    for name, text in FILES.items():
        open(f"{folder}/{name}", "w").write(text.replace("BEGINS", str(begins)))
    threading.Thread(target=http.server.ThreadingHTTPServer(("127.0.0.1", PAGES), Peer).serve_forever, daemon=True).start()
    server = serve(folder)
    early = silence()
    for _ in range(1000):
        push()
    until("two alerts are told", lambda: {("Always", "firing"), ("Pushed", "firing")} <= set(heard))
    fill(folder)
    silences = {early} | while_full("full", begins)
    server.kill()
    server.wait()
    fill(folder)
    server = serve(folder)
    silences |= while_full("started on a full disk", None)
    all_there("started on a full disk")
    os.remove(f"{folder}/disk/filler")
    freed = time.time()
    until("with space again samples are taken", lambda: push()[0] // 100 == 2)
    took = time.time() - freed
    until("/metrics says so", lambda: metric("promlet_tsdb_read_only") == 0.0)
    problems = json.loads(ask("/api/v1/promlet/overview")[1])["data"]["problems"]
    expect("the overview names nothing any more", problems == [], problems)
    before = serial
    until("pages are stored again", lambda: any(float(s["value"][1]) > before for s in query("serial")))
    for _ in range(200):
        push()
    all_there("after it")
    server.kill()
    server.wait()
    server = serve(folder)
    all_there("after another kill")
    there = {s["id"] for s in json.loads(ask("/api/v2/silences")[1])}
    expect("every acknowledged silence is there", silences <= there, (silences, there))
    time.sleep(2)
    expect("each alert was told once", sorted(heard) == [("Always", "firing"), ("Meanwhile", "firing"), ("Pushed", "firing")], heard)
    server.send_signal(signal.SIGTERM)
    server.wait(30)
    log = open(f"{folder}/log").read()
    expect("the log says that it stopped, and that it goes on", "free some space" in log and "samples are taken again" in log)
    expect("nothing panicked, nothing is called damaged", "panicked" not in log and "damaged" not in log, log[-3000:])
    print(f"{len(pushed)} samples acknowledged, taken again {took:.1f} s after there was space; {len(wrong)} wrong")


folder = tempfile.mkdtemp(prefix="full-")
try:
    main(folder)
finally:
    for server in servers:
        server.kill()
        server.wait()
    if wrong and os.path.exists(f"{folder}/log"):
        print(open(f"{folder}/log").read()[-4000:])
    subprocess.call(["umount", f"{folder}/disk"])
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(bool(wrong))
