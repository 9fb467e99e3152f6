#!/usr/bin/env python3
"""The memory budget under a real limit: the same churn, first a peer without a limit, then the peer and promlet in a memory cgroup below its peak.

    memory.py [--minutes N] [--share PERCENT] [--targets N] [--series N] [--churn PERCENT] [--period SECONDS] [--interval SECONDS]
              [--peak BYTES] [--port N] PROMLET PEER FLEET

PEER is a prometheus. The limit is SHARE percent of the peak that it reached (or that --peak says, from an earlier run). Nothing is said to promlet: its
budget is a quarter of the limit by default. The cgroup (version 1 or 2) is made below our own. Exits 1 unless the peer was killed and promlet went on:
alive and ready to the end, known series scraped without a gap, rules evaluated, what it shed named in /metrics and at targets.
The peer has so many minutes, twice, and promlet a quarter more: all of it takes 7 minutes.
"""
import argparse, json, os, re, shutil, signal, subprocess, sys, tempfile, time, urllib.error, urllib.parse, urllib.request

options = argparse.ArgumentParser()
for name, value in dict(minutes=2.0, share=65, targets=100, series=1000, churn=20, period=10, interval=5, peak=0, port=19350).items():
    options.add_argument(f"--{name}", type=type(value), default=value)
for name in ("promlet", "peer", "fleet"):
    options.add_argument(name)
options = options.parse_args()
FLEET, WEB = options.port, options.port + 1
MB = 1e6


class Cgroup:
    """A memory cgroup below our own."""

    def __init__(self, limit):
        lines = [line.strip().split(":", 2) for line in open("/proc/self/cgroup")]
        first = next((path for _, controllers, path in lines if "memory" in controllers.split(",")), None)
        if first is not None:
            parent, self.limit_file, self.peak_file = f"/sys/fs/cgroup/memory{first}", "memory.limit_in_bytes", "memory.max_usage_in_bytes"
        else:
            parent, self.limit_file, self.peak_file = "/sys/fs/cgroup" + next(path for _, c, path in lines if not c), "memory.max", "memory.peak"
        self.path = f"{parent.rstrip('/')}/promlet-memory-{os.getpid()}"
        os.mkdir(self.path)
        open(f"{self.path}/{self.limit_file}", "w").write(str(limit))

    def enter(self):
        open(f"{self.path}/cgroup.procs", "w").write(str(os.getpid()))

    def remove(self):
        for _ in range(50):
            try:
                return os.rmdir(self.path)
            except OSError:
                time.sleep(0.1)


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{WEB}{path}", timeout=20) as answer:
        return answer.read().decode()


def resident(pid):
    try:
        fields = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status"))
        return int(fields["VmRSS"].split()[0]) * 1024, int(fields["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError):
        return 0, 0


def run(folder, name, binary, limit, look, minutes=options.minutes):
    """Scrapes the fleet for so many minutes: seconds until it ended (None where it did not), and its peak."""
    data = f"{folder}/{name}-{'limited' if limit else 'free'}"
    os.mkdir(data)
    argv = [os.path.abspath(binary), f"--config.file={folder}/p.yml", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{WEB}"]
    group = Cgroup(limit) if limit else None
    # A server that we start must die in our stead.
    before = (lambda: (group.enter(), open("/proc/self/oom_score_adj", "w").write("500"))) if group else None
    server = subprocess.Popen(argv, preexec_fn=before, stdout=open(f"{data}.log", "w"), stderr=subprocess.STDOUT)
    fleet = subprocess.Popen(
        [options.fleet, "serve", "--targets", str(options.targets), "--series", str(options.series), "--churn-percent", str(options.churn)]
        + ["--churn-period", str(options.period), "--listen", f"127.0.0.1:{FLEET}", "--sd-file", f"{folder}/sd.json"],
        stdout=subprocess.DEVNULL,
    )
    began, peak, ended = time.monotonic(), 0, None
    try:
        while time.monotonic() < began + minutes * 60 and ended is None:
            time.sleep(1)
            peak = max(peak, resident(server.pid)[1])
            if server.poll() is not None:
                ended = time.monotonic() - began
            elif look:
                look(time.monotonic() - began, resident(server.pid)[0])
        if look and ended is None:
            look(None, resident(server.pid)[0])
    finally:
        code = server.poll()
        if code is None:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                print(f"{name} did not stop within 20 s", flush=True)
                server.kill()
                server.wait()
        fleet.kill()
        fleet.wait()
        if group:
            group.remove()
    what = f"ended by signal {-code} after {ended:.0f} s" if ended else "went on to the end"
    print(f"{name}{f' within {limit / MB:.0f} MB' if limit else ', no limit'}: peak {peak / MB:.0f} MB, {what}", flush=True)
    return ended, peak, code


class Look:
    """What promlet says from time to time."""

    def __init__(self):
        self.last, self.facts, self.levels = 0, {}, set()

    def __call__(self, seconds, rss):
        if seconds is not None and seconds < self.last + 15:
            return
        self.last = seconds or self.last
        try:
            text = get("/metrics")
        except (OSError, urllib.error.HTTPError):
            return
        value = lambda name: next(iter(re.findall(rf"^{name} (\S+)$", text, re.M)), None)
        self.levels.add(float(value("promlet_memory_pressure") or 0))
        shed = dict(re.findall(r'^promlet_memory_shed_total\{what="(\w+)"\} (\S+)$', text, re.M))
        refused = re.findall(r'^promlet_memory_refused_series_total\{group="([^"]+)"\} (\S+)$', text, re.M)
        print(
            f"  {seconds or 0:4.0f} s: resident {rss / MB:.0f} MB, budget {float(value('promlet_memory_budget_bytes')) / MB:.0f} MB, pressure {value('promlet_memory_pressure')}, "
            f"shed {shed}, refused {sum(float(n) for _, n in refused):.0f} series of {len(refused)} targets, head series {value('prometheus_tsdb_head_series')}",
            flush=True,
        )
        if seconds is None:
            targets = json.loads(get("/api/v1/targets"))["data"]["activeTargets"]
            said = [t["lastError"] for t in targets if "memory budget" in t["lastError"]]
            evaluated = value("prometheus_rule_evaluations_total.*"), value("prometheus_rule_evaluation_failures_total.*")
            self.facts = dict(said=said, up=sum(t["health"] == "up" for t in targets), targets=len(targets), refused=refused, shed=shed, evaluated=evaluated)


class Answers:
    """promlet on the data that it left, without a limit."""

    def __init__(self, folder, binary):
        data = f"{folder}/promlet-limited"
        open(f"{folder}/nothing.yml", "w").write("global: {scrape_interval: 1h}\n")
        argv = [os.path.abspath(binary), f"--config.file={folder}/nothing.yml", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{WEB}"]
        self.ended = time.time() - 1
        self.server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self):
        try:
            for _ in range(200):
                try:
                    get("/-/ready")
                    break
                except OSError:
                    time.sleep(0.1)
            return {name: self.range(expression) for name, expression in dict(up='up{job="fleet"}', known='node_memory_MemTotal_bytes{job="fleet"}').items()}
        finally:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(30)

    def range(self, expression):
        """Fewest and most rows of one series in the two minutes before the end."""
        query = urllib.parse.urlencode({"query": f"{expression}[10m]", "time": self.ended})
        times = [[t for t, _ in s["values"]] for s in json.loads(get(f"/api/v1/query?{query}"))["data"]["result"]]
        last = max(map(max, times))
        counts = [sum(t > last - 120 for t in of) for of in times]
        return min(counts), max(counts), len(counts)


folder = tempfile.mkdtemp(prefix="memory-")
try:
    with open(f"{folder}/p.yml", "w") as f:
        f.write(f"global: {{scrape_interval: {options.interval}s, scrape_timeout: {options.interval}s}}\nrule_files: [{folder}/r.yml]\nscrape_configs:\n- job_name: fleet\n  file_sd_configs: [{{files: ['{folder}/sd.json'], refresh_interval: 5s}}]\n")
    with open(f"{folder}/r.yml", "w") as f:
        f.write("groups: [{name: g, interval: 5s, rules: [{alert: Down, expr: 'sum(up) < 1'}]}]\n")
    peak = options.peak or run(folder, "peer", options.peer, None, None)[1]
    limit = int(peak * options.share / 100)
    peer_ended, _, peer_code = run(folder, "peer", options.peer, limit, None)
    look = Look()
    ended, promlet_peak, _ = run(folder, "promlet", options.promlet, limit, look, options.minutes * 1.25)
    facts = look.facts
    print(json.dumps({k: v[:1] if k == "said" else v for k, v in facts.items() if k != "refused"}))
    # With all memory to itself it answers again: what was scraped in the last two minutes of the squeeze.
    answers = Answers(folder, options.promlet).ask()
    print(answers)
    log = open(f"{folder}/promlet-limited.log").read()
    print("\n".join(line for line in log.splitlines() if "memory" in line)[:2000])
    rows = 120 / options.interval
    wrong = {
        "the peer was not killed": peer_code != -9,
        "promlet ended": ended is not None,
        "promlet said nothing of what it shed": not facts or sum(map(float, facts["shed"].values())) == 0 or not facts["refused"],
        "not all targets were up": not facts or facts["up"] != facts["targets"],
        "known series have gaps": answers["up"][0] < rows - 2 or answers["known"][0] < rows - 2,
    }
    good = not any(wrong.values())
    print(f"peer: {peak / MB:.0f} MB without a limit, killed after {peer_ended or 0:.0f} s within {limit / MB:.0f} MB; promlet: {promlet_peak / MB:.0f} MB at most")
    print("the peer was killed, promlet went on and said what it shed" if good else "NOT as it should be: " + ", ".join(why for why, is_so in wrong.items() if is_so))
finally:
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(not good)
