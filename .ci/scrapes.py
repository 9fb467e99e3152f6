#!/usr/bin/env python3
"""Odd pages, scraped by promlet and by Prometheus.

    scrapes.py [--only JOB,JOB] [--wide LINES] PROMLET PROMETHEUS

One server here gives the same pages to both: what a page says is decided by how often that server has asked for it, so that
the two need not scrape at the same moment. Samples are compared by the number of their scrape, or, where the page states the
time, by that time. Lines are reordered, carry times that repeat or go back, churn, end, come twice, are claimed by two targets;
targets restart, are relabeled, go and come back; one page is very wide. Exits 1 when anything differs.
"""
import argparse, collections, http.server, json, os, random, shutil, sys, threading, time, urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle"))
from servers import P, Q, ask, get, run

options = argparse.ArgumentParser()
options.add_argument("--only", default="")
options.add_argument("--wide", type=int, default=100_000)
options.add_argument("promlet")
options.add_argument("prometheus")
options = options.parse_args()
# Scrapes that are compared; pages are calm after these.
K = 16
STEP = 1000
WIDE = max(2, options.wide // 50_000)
BASE = int(time.time() * 1000)
SIDES = {"p": P, "q": Q}
COUNTERS = [f"prometheus_target_scrapes_{name}_total" for name in (
    "sample_duplicate_timestamp", "sample_out_of_order", "sample_out_of_bounds", "exceeded_sample_limit", "exceeded_body_size_limit",
)] + ["prometheus_target_scrape_pool_exceeded_label_limits_total"]


# -- pages: the number of the request in, text or (status, text) out; None closes the connection

def reordered(n):
    lines = [f'moved{{place="{i}"}} {n * i}' for i in range(40)] + [f"alone_{i} {n}" for i in range(20)]
    random.Random(n).shuffle(lines)
    if n % 3 == 0:
        lines.insert(n, "# HELP moved wanders\n\n# TYPE moved gauge")
    return "\n".join(lines) + "\n"


def explicit(n):
    out, calm = ["# TYPE e_behind gauge"], n > K
    def say(name, value, at):
        out.append(f"{name} {value} {BASE + at}")
    say("e_behind", n, -20_000 + n * STEP)
    say("e_group{of=\"one\"}", n, -20_000 + n * STEP)
    say("e_group{of=\"two\"}", 5, -20_000 + n * STEP)
    say("e_repeated", n // 3, -20_000 + n // 3 * 3 * STEP)
    if not calm:
        say("e_repeated_other", n, -20_000 + n // 3 * 3 * STEP)
        say("e_back", n, -20_000 + (n if n % 4 else n - 3) * STEP)
        say("e_only_back", n, -20_000 - n * STEP)
        say("e_back_equal", 7, -20_000 - n // 2 * STEP)
        say("e_ahead", n, 3_600_000 + n * STEP)
        # Of an empty head the first sample says how old others may be.
        say("e_old", n, -3 * 3_600_000 + n * STEP) if n > 1 else None
        say("e_twice", n, -20_000 + n * STEP)
        say("e_twice", n + 0.5, -20_000 + n * STEP + 100)
        say("e_twice_back", n + 0.5, -20_000 + n * STEP + 100)
        say("e_twice_back", n, -20_000 + n * STEP)
        say("e_twice_equal", n, -20_000 + n * STEP)
        say("e_twice_equal", n, -20_000 + n * STEP)
        say("e_twice_other", n, -20_000 + n * STEP)
        say("e_twice_other", n + 1, -20_000 + n * STEP)
        out.append(f"e_half {n}" + (f" {BASE - 20_000}" if n % 2 else ""))
        out.append(f"e_then_plain {n}" + (f" {BASE - 20_000 + n * STEP}" if n < 8 else ""))
        # Without a time and with one on the same page.
        out.append(f"e_both {n}\ne_both {n + 1} {BASE - 20_000 + n * STEP}")
        out.append(f"e_both_back {n} {BASE - 20_000 + n * STEP}\ne_both_back {n + 1}")
    if not 5 <= n < 9:
        say("e_gone", n, -20_000 + n * STEP)
        out.append(f"gone {n}")
    out.append(f"plain {n}")
    if n % 2:
        out.reverse()
        out.append(out.pop(0)) if out[0].startswith("#") else None
    return "\n".join(out) + "\n"


def churn(n):
    lines = [f'churned{{id="{n}-{i}",what="a longer text that all of them have"}} {i}' for i in range(50)]
    lines[n % 50 : n % 50] = [f'steady{{id="{i}"}} {n}' for i in range(20)]
    lines += [f'slowly{{id="{(n + i) // 7}-{i}"}} {n}' for i in range(30)]
    return "\n".join(lines) + "\n"


def restart(n):
    since = n if n < 6 else n - 12
    page = "".join(f'counted_total{{of="{i}"}} {since * 10 + i}\n' for i in range(10))
    if n in (6, 7):
        return ""
    if n in (8, 9):
        return 503, "going down"
    if n == 10:
        return None
    if n == 11:
        return page + "broken{ 1\n"
    return page if n < 14 else page + f"more_after {n}\n"


def constant(n):
    return "kept 1\ndropped_later 2\nrenamed_later 3\n"


def counting(n):
    return f"value {n}\n" + "".join(f'other{{of="{i}"}} {n % 3}\n' for i in range(9))


def claim(who, n):
    other = 0 if who == "a" else 1
    alone = f'own_{who} {n}\n'
    lines = f'claimed{{instance="x"}} {n * 2 + other}\n' if n <= K else ""
    # One ends what the other goes on with.
    if who == "a" and n in (5, 6) or who == "b" and n in (9, 10):
        lines = ""
    return alone + lines + (f'agreed{{instance="x"}} 7\n')


def claim_timed(who, n, times=None):
    """The second says what the first says at the moment, with another value."""
    own, n = n, times or n
    if own > (K + 6 if who == "a" else K // 2):
        return f"own_{who} {own}\n"
    at = BASE - 20_000 + n * STEP
    return f'same{{instance="x"}} {n} {at}\nother{{instance="x"}} {n + (who == "b")} {at}\nown_{who} {own}\n'


def claim_late(who, n):
    return f"own_{who} {n}\n" + (f'late{{instance="x"}} {n * 2}\n' if n <= (K if who == "a" else K // 2) else "")


def twice(n):
    if n > K:
        return "single 1\n"
    repeated = "" if n % 5 == 0 else f"again {n + 1}\n"
    return f'again {n}\nagain_same 5\n{repeated}merged{{gone="1"}} {n}\nagain_same 5\nmerged{{gone="2"}} {n}\nsingle {n}\nup 5\nmerged{{gone="3"}} {n + 2}\n'


def limited(n):
    return "".join(f'many{{of="{i}"}} {n}\n' for i in range(6 + (n if n <= K else 0)))


def labelled(n):
    return f"fine {n}\n" + ('much{a="1",b="2",c="3",d="4"} 1\n' if 4 <= n < 8 else "") + f"after {n}\n"


wide_pages = {}


def wide(n):
    if n % 4 not in wide_pages:
        # Each keeps most values; one in ten changes, and every fourth page has its blocks in another order.
        n4, blocks = n % 4, []
        for block in range(100):
            lines = (f'wide_metric_{block}{{block="{block}",path="/api/v1/items/{i}",code="200"}} {(i * 7 + (n4 if i % 10 == 0 else 0))}\n' for i in range(options.wide // 100))
            blocks.append("".join(lines))
        if n4 == 3:
            blocks.reverse()
        wide_pages[n4] = "".join(blocks)
    return wide_pages[n % 4]


PAGES = dict(reordered=reordered, explicit=explicit, tracked=explicit, unhonored=explicit, churn=churn, restart=restart, relabeled=counting,
             remetric=constant, vanish=counting, twice=twice, limited=limited, labelled=labelled, wide=wide)
# When a target is scraped within its interval hangs on its name: of several pairs some are far enough apart on both sides.
PAIRS = 4
CLAIMS = dict(claims_timed=claim_timed, claims_late=claim_late)
for pair in range(PAIRS):
    CLAIMS |= {f"claims_{pair}": claim, f"claims_relabeled_{pair}": claim}
# Jobs whose pages state times.
TIMED = ("explicit", "tracked", "claims_timed")
# Of these only what stands in `special` is compared.
SPECIAL = ("remetric", "relabeled", "vanish", "wide")


# -- the server of pages

asked = collections.Counter()
done = {}
changed = threading.Condition()


def hold(job, who, side, n):
    """Until the other claimant, asked after this one, has been answered, so that the order is the same on both sides. Its number."""
    if who != "b" or n > K // 2 or job not in ("claims_timed", "claims_late"):
        return None
    other = (side, job, "a")
    with changed:
        before = asked[other]
        changed.wait_for(lambda: done.get(other, 0) > before, 5)
        number = done.get(other, 0)
    time.sleep(0.1)
    return number


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        _, job, who = url.path.split("/")
        params = urllib.parse.parse_qs(url.query)
        side = params["side"][0]
        with changed:
            asked[side, job, who] += 1
            n = asked[side, job, who]
            if "phase" in params:
                asked[side, job, who, params["phase"][0]] += 1
                n = asked[side, job, who, params["phase"][0]]
        other = hold(job, who, side, n)
        if job in CLAIMS:
            page = claim_timed(who, n, other) if job == "claims_timed" else CLAIMS[job](who, n)
        else:
            page = PAGES[job](n)
        if page is not None:
            status, text = page if isinstance(page, tuple) else (200, page)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
        with changed:
            done[side, job, who] = n
            changed.notify_all()

    def log_message(self, *_):
        pass


class Pages(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, address)


# -- configuration

MORE = dict(
    tracked=", track_timestamps_staleness: true",
    unhonored=", honor_timestamps: false",
    claims_timed=", honor_labels: true",
    claims_late=", honor_labels: true",
    twice=", honor_labels: true, metric_relabel_configs: [{regex: gone, action: labeldrop}]",
    limited=", sample_limit: 15",
    labelled=", label_limit: 6",
    wide=f", scrape_interval: {WIDE}s, scrape_timeout: {WIDE}s",
    **{f"claims_{pair}": ", honor_labels: true" for pair in range(PAIRS)},
    **{f"claims_relabeled_{pair}": ", metric_relabel_configs: [{regex: instance|exported_instance, action: labeldrop}]" for pair in range(PAIRS)},
)


def last(job, who):
    """The number of the last scrape that is compared. The second of two whose order matters is scraped half as often."""
    return K // 2 if job in ("claims_timed", "claims_late") and who == "b" else K


def config(side, port, jobs, phase):
    def target(job, who, more=""):
        interval = f", __scrape_interval__: {2 * STEP}ms, __scrape_timeout__: {2 * STEP}ms" if last(job, who) < K else ""
        return f"{{targets: ['127.0.0.1:{port}'], labels: {{__metrics_path__: /{job}/{who}, instance: {who}{interval}{more}}}}}"

    out = f"global: {{scrape_interval: {STEP}ms, scrape_timeout: {STEP}ms, scrape_protocols: [PrometheusText0.0.4]}}\nscrape_configs:\n"
    for job in jobs:
        if (job == "wide") != (phase == 4):
            continue
        more = MORE.get(job, "")
        targets = [target(job, who) for who in ("ab" if job in CLAIMS else "a")]
        if job == "relabeled":
            targets = [target(job, "a", f", zone: z{phase}, __param_phase: '{phase}'")]
        if job == "vanish" and phase == 2:
            targets = []
        if job == "remetric" and phase > 1:
            more += ", metric_relabel_configs: [{source_labels: [__name__], regex: dropped_later, action: drop}"
            more += ", {source_labels: [__name__], regex: renamed_later, target_label: __name__, replacement: renamed}]"
        out += f"- {{job_name: {job}, params: {{side: [{side}]}}, static_configs: [{', '.join(targets)}]{more}}}\n"
    return out


def pages_of(job):
    return [(job, who) for who in ("ab" if job in CLAIMS else "a")]


def wait(what, jobs, count, seconds=60):
    """Until both sides have the answers of so many requests, and have stored them."""
    keys = [(side, *page) for side in SIDES for job in jobs for page in pages_of(job)]
    with changed:
        if not changed.wait_for(lambda: all(done.get(key, 0) >= count(key) for key in keys), seconds):
            sys.exit(f"{what}: after {seconds} s there were {dict((key, done.get(key)) for key in keys)}")
    time.sleep(0.5)


# -- questions

checked = collections.Counter()


def answer(side, path, **params):
    status, text = get(SIDES[side], path, params)
    if status != 200:
        sys.exit(f"{path} {params}: {status} {text}")
    return json.loads(text)["data"]


def matrix(side, selector):
    return answer(side, "/api/v1/query", query=f"{selector}[10m]", time=time.time() + 130)["result"]


def ms(t):
    return round(float(t) * 1000)


def name(metric):
    return json.dumps(metric, sort_keys=True)


def indexes(side, job):
    """Of each target the numbers of its scrapes by their times."""
    found = {}
    for series in matrix(side, f'scrape_samples_scraped{{job="{job}"}}'):
        found[series["metric"]["instance"]] = {ms(t): number for number, (t, _) in enumerate(series["values"], 1)}
    return found


OWN = '__name__!="scrape_duration_seconds"'


def raw(side, job, index):
    """Samples by the number of the scrape, or by the time that the page states."""
    out = {}
    for series in matrix(side, f'{{job="{job}",{OWN}}}'):
        if job == "claims_late" and '"scrape_series_added"' in name(series["metric"]):
            continue  # Counted before it is known that another claimant's sample is newer.
        instance, found = series["metric"].get("instance"), []
        for t, v in series["values"]:
            who = next((who for who in ([instance] if instance in index else index) if ms(t) in index[who]), None)
            if who is None and ms(t) - BASE <= K * STEP - 19_800:
                found.append((ms(t) - BASE, v))
            elif who is not None and index[who][ms(t)] <= last(job, who):
                found.append(((who, index[who][ms(t)]), v))
        # Which claimant's scrape comes first differs.
        out[name(series["metric"])] = sorted(found, key=str) if job in CLAIMS else found
    return {series: points for series, points in out.items() if points}


def instants(side, job, index):
    out = {}
    for t, number in index["a"].items():
        if number <= K:
            vector = answer(side, "/api/v1/query", query=f'{{job="{job}",{OWN}}}', time=t / 1000)["result"]
            out[number] = sorted((name(s["metric"]), s["value"][1]) for s in vector)
            if job in FAILING and any('"up"' in metric and value == "0" for metric, value in out[number]):
                out[number] = [(metric, value) for metric, value in out[number] if '"up"' in metric or '"scrape_' in metric]
    return out


def ranges(side, job, index):
    """What is seen between a scrape and the next."""
    times = sorted(t for t, number in index["a"].items() if number <= K)
    found, start, end = set(), times[0], times[-1] + 100
    for series in answer(side, "/api/v1/query_range", query=f'{{job="{job}",{OWN}}}', start=start / 1000, end=end / 1000, step=0.05)["result"]:
        for t, v in series["values"]:
            scrape = max(at for at in times if at <= ms(t))
            found.add((index["a"][scrape], name(series["metric"]), v))
    return sorted(found)


def absolute(side, job):
    """What was stored under times that the page states, as a range query sees it."""
    query = dict(query=f'{{job="{job}",__name__=~"e_behind|e_group|e_repeated.*|e_back|e_only_back|e_twice.*|same|other|turns"}}', start=(BASE - 40_000) / 1000, end=(BASE - 20_000 + K * STEP) / 1000, step=0.25)
    return {name(s["metric"]): [(ms(t) - BASE, v) for t, v in s["values"]] for s in answer(side, "/api/v1/query_range", **query)["result"]}


def series(side, job, end):
    return sorted(name(s) for s in answer(side, "/api/v1/series", **{"match[]": f'{{job="{job}"}}', "start": BASE / 1000 - 3600, "end": end / 1000}))


def shown(p, q):
    """The first few places in which two answers differ."""
    if isinstance(p, dict):
        keys = [key for key in sorted(set(p) | set(q), key=str) if p.get(key) != q.get(key)]
        return "; ".join(f"{key}: {shown(p.get(key), q.get(key))}" for key in keys[:4]) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")
    if isinstance(p, (list, tuple)) and isinstance(q, (list, tuple)):
        only, only_too = [e for e in p if e not in q], [e for e in q if e not in p]
        return f"prometheus {only[:6]} promlet {only_too[:6]} ({len(p)} / {len(q)})"
    return f"prometheus {p} promlet {q}"


# A page that fails part of the way: Prometheus lets what stands above the fault go on for five minutes, here a failed scrape ends all series.
FAILING = ("limited", "labelled")


def compare(run, what, question):
    p, q = question("p"), question("q")
    run.agrees(what, shown(p, q) if p != q or not p else None)


def is_apart(index):
    """Whether two targets are scraped so far from each other that their order is certain."""
    times = sorted((t, who) for who in index for t in index[who])
    return len(index) == 2 and all(b - a >= 60 for (a, one), (b, other) in zip(times, times[1:]) if one != other)


def check(run, job):
    index = {side: indexes(side, job) for side in SIDES}
    if job[-1].isdigit() and not all(is_apart(index[side]) for side in SIDES):
        return
    checked[job.rstrip("_0123456789")] += 1
    # Prometheus names series, too, of which it refused every sample.
    stored = {side: raw(side, job, index[side]) for side in SIDES}
    compare(run, f"{job}: raw", stored.get)
    ends = {side: max(t for who, times in index[side].items() for t, number in times.items() if number <= last(job, who)) for side in SIDES}
    compare(run, f"{job}: series", lambda side: [s for s in series(side, job, ends[side]) if s in stored["p"] or s in stored["q"] or job not in FAILING])
    if job in TIMED:
        compare(run, f"{job}: by stated times", lambda side: absolute(side, job))
    elif job not in CLAIMS:
        compare(run, f"{job}: instant", lambda side: instants(side, job, index[side]))
    if job not in TIMED and job not in CLAIMS and job not in FAILING:
        compare(run, f"{job}: range", lambda side: ranges(side, job, index[side]))


def now(side, job):
    return sorted((name(s["metric"]), s["value"][1]) for s in answer(side, "/api/v1/query", query=f'{{job="{job}",__name__!~"scrape_.*"}}')["result"])


def counters(run):
    def read(side):
        text = ask(SIDES[side], "GET", "/metrics")[1].decode()
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {counter: float(lines.get(counter, "nan")) for counter in COUNTERS}
    compare(run, "counters", read)


def usage(run, side):
    pid = run.processes["prometheus" if side == "p" else "promlet"].pid
    with open(f"/proc/{pid}/status") as f:
        kb = {line.split(":")[0]: line.split()[1] for line in f if line.startswith(("VmHWM", "VmRSS"))}
    with open(f"/proc/{pid}/stat") as f:
        ticks = sum(map(int, f.read().rpartition(")")[2].split()[11:13]))
    return f"{int(kb['VmRSS']) // 1024} MB (peak {int(kb['VmHWM']) // 1024}), {ticks / os.sysconf('SC_CLK_TCK'):.1f} s of CPU"


def check_wide(run):
    index = {side: {number: t for t, number in indexes(side, "wide")["a"].items()} for side in SIDES}
    count = min(max(numbers) for numbers in index.values()) - 1
    for query in ("count by (code) ({Q})", "sum by (block) ({Q})", "max by (__name__) ({Q})"):
        selector = '__name__=~"wide_metric_.*",job="wide"'
        at = lambda side: {k: sorted((name(s["metric"]), s["value"][1]) for s in answer(side, "/api/v1/query", query=query.replace("Q", selector), time=index[side][k] / 1000)["result"]) for k in range(1, count + 1)}
        compare(run, f"wide: {query}", at)
    for figure in ("up", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"):
        compare(run, f"wide: {figure}", lambda side: [v for _, v in matrix(side, f'{figure}{{job="wide"}}')[0]["values"]][:count])
    lengths = {side: sorted(float(v) for _, v in matrix(side, 'scrape_duration_seconds{job="wide"}')[0]["values"])[count // 2] for side in SIDES}
    print(f"-- {options.wide} lines, {count} scrapes: " + "; ".join(f"{side} {usage(run, side)}, scrape {lengths[side]:.2f} s (median)" for side in SIDES), flush=True)


def first(side, job, count):
    """The first samples of each series, without times: of series that end at a reload."""
    return {name(s["metric"]): [v for _, v in s["values"]][:count] for s in matrix(side, f'{{job="{job}",{OWN}}}')}


def failing(side):
    """The scrapes that did not succeed."""
    return {name(s["metric"]): [number for number, (_, v) in enumerate(s["values"][:K]) if v == "0"] for s in matrix(side, "up")}


def settle(changed_jobs, jobs, phase):
    """Until both sides have taken a reload: Prometheus looks for changed targets every five seconds."""
    for _ in range(100):
        gone = "vanish" not in changed_jobs or "vanish" not in jobs or not any(now(side, "vanish") for side in SIDES)
        new = "relabeled" not in jobs or all(asked[side, "relabeled", "a", phase] >= 4 for side in SIDES)
        if gone and new:
            return time.sleep(1)
        time.sleep(0.2)


def main(run):
    pages = Pages(("127.0.0.1", 0), Page)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    jobs = [job for job in (*PAGES, *CLAIMS) if not options.only or job.startswith(tuple(options.only.split(",")))]
    plain = [job for job in jobs if job != "wide"]

    def write(phase):
        for side in SIDES:
            run.write(f"{side}/prometheus.yml", config(side, pages.server_port, jobs, phase))

    def reload(phase):
        write(phase)
        for side, base in SIDES.items():
            status, text = ask(base, "POST", "/-/reload")
            if status != 200:
                sys.exit(f"reload {side}: {text.decode()}")

    if "wide" in jobs:
        for n in range(4):
            wide(n)
    for attempt in range(3):
        if attempt:
            print("-- a scrape was too slow on this machine: once more", flush=True)
            for server in ("prometheus", "promlet"):
                run.stop(server)
            for side in SIDES:
                shutil.rmtree(run.path(side, "data"), ignore_errors=True)
        write(1)
        with changed:
            asked.clear(), done.clear()
        globals()["BASE"] = int(time.time() * 1000)
        run.start_prometheus("--web.enable-lifecycle")
        run.start_promlet("--web.enable-lifecycle")
        wait("the first scrapes", plain, lambda key: last(*key[1:]) + 3)
        if failing("p") == failing("q"):
            break
    if "vanish" in jobs:
        before = {side: len(indexes(side, "vanish")["a"]) for side in SIDES}
    reload(2)
    settle(["relabeled", "vanish"], jobs, "2")
    if "vanish" in jobs:
        compare(run, "vanish: gone", lambda side: now(side, "vanish") or "nothing")
    reload(3)
    wait("the scrapes after", [job for job in jobs if job == "vanish"], lambda key: before[key[0]] + 6)
    settle(["relabeled"], jobs, "3")
    if "vanish" in jobs:
        # Which scrape was the last before it went differs; what follows the first after it does not.
        back = lambda side: {figure: [v for _, v in matrix(side, f'{figure}{{job="vanish"}}')[0]["values"]][before[side] + 2 :][:2] for figure in ("up", "scrape_samples_scraped")}
        compare(run, "vanish: back", back)
        compare(run, "vanish: series", lambda side: series(side, "vanish", time.time() * 1000))
        # Prometheus forgets what it knew at each change of a job, even of other targets.
        compare(run, "vanish: added", lambda side: {v for _, v in matrix(side, 'scrape_series_added{job="vanish"}')[0]["values"]})
        compare(run, "vanish: names now", lambda side: [metric for metric, _ in now(side, "vanish")])
    if "relabeled" in jobs:
        compare(run, "relabeled: series", lambda side: series(side, "relabeled", time.time() * 1000))
        compare(run, "relabeled: samples", lambda side: first(side, "relabeled", 3))
        compare(run, "relabeled: names now", lambda side: [metric for metric, _ in now(side, "relabeled")])
    if "remetric" in jobs:
        compare(run, "remetric: series", lambda side: series(side, "remetric", time.time() * 1000))
        compare(run, "remetric: now", lambda side: now(side, "remetric"))
    for job in plain:
        if job not in SPECIAL:
            check(run, job)
    counters(run)
    print(f"-- pairs of claimants that were far enough apart: {checked['claims']} and {checked['claims_relabeled']} of {PAIRS}")
    if "wide" in jobs:
        reload(4)
        wait("wide", ["wide"], lambda key: 6, 400)
        check_wide(run)
    print(f"{run.passed} passed, {run.failed} failed")
    return run.failed > 0


run(options, main)
