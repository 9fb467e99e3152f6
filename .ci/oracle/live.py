#!/usr/bin/env python3
"""Live oracle: Prometheus and promlet hold the same samples and are asked the same questions.

Prometheus scrapes recorded exporters and a page that resets, vanishes, breaks and fails, and forwards what it saw to promlet by
remote write (stale markers included); both are fed the same hour of history; both scrape pages that stand still, so that
promlet's own scraping and relabeling is compared too. All questions are asked four times: of what is partly in memory, after
`kill -9`, after a clean end, and once more when the restarted server has taken on new rows. Usage:

    live.py [--seconds N] [--bench query.py] PROMLET FLEET PROMETHEUS RECORDING QUERIES

RECORDING is the unpacked recording. Exits 1 when an answer differs; prints one line per difference and `N passed, N failed`.
"""
import argparse, glob, json, os, re, signal, subprocess, sys, time, urllib.parse

import answers, pages, servers
from answers import difference, plain_difference
from servers import P, Q, get

RECORDED, STILL = 19303, 19304
HISTORY = 3600  # seconds of `fleet feed`


def calls(kind, text, moments):
    """The requests of one line: `(path, parameters)`."""
    begin, end, old = moments["begin"], moments["end"], moments["fed"]
    for name, at in moments.items():
        text = text.replace("{%s}" % name, str(at))
    if kind == "range":
        spans = [(begin, end, 1), (begin + 3.2, end, 3.7)]
        return [("/api/v1/query_range", dict(query=text, start=a, end=b, step=step)) for a, b, step in spans]
    if kind == "history":
        spans = [(old - HISTORY - 60, min(old + 400, end), 60), (old - 1800.3, old - 1000, 7)]
        ranges = [("/api/v1/query_range", dict(query=text, start=a, end=b, step=step)) for a, b, step in spans]
        return ranges + [("/api/v1/query", dict(query=text, time=at)) for at in (old - 1000, old - 15, old + 299)]
    if kind == "still":
        return [("/api/v1/query", dict(query=text, time=end))]
    if kind in ("instant", "error"):
        times = (end, end - 7.3, begin + 20) if kind == "instant" else (end,)
        return [("/api/v1/query", dict(query=text, time=at)) for at in times]
    path, _, query = text.partition("?")
    return [(path, urllib.parse.parse_qsl(query, keep_blank_values=True))]


def compare(run, lines, moments, stage):
    for kind, text in lines:
        for path, params in calls(kind, text, moments):
            one, two = get(P, path, params), get(Q, path, params)
            if kind == "get":
                why = plain_difference("/series" in path, one, two)
            elif kind == "count":
                count = lambda body: [(len(d), r.get("warnings")) for r in [json.loads(body)] for d in [r["data"]["result"] if "result" in r["data"] else r["data"]]]
                why = None if count(one[1]) == count(two[1]) else f"{count(one[1])} / {count(two[1])}"
            elif kind == "federate":
                drop = lambda body: sorted(re.sub(r" [0-9]{13}$", "", line) for line in body.split("\n") if line)
                why = None if drop(one[1]) == drop(two[1]) else f"{[l for l in drop(one[1]) if l not in drop(two[1])][:2]} / {[l for l in drop(two[1]) if l not in drop(one[1])][:2]}"
            else:
                why = difference(text, one, two)
                if not why and kind == "error" and one[0] == 200:
                    why = "no error at all"
            at = {k: v for k, v in dict(params).items() if k in ("time", "start", "step")} if isinstance(params, dict) else ""
            run.agrees(f"({stage}) {kind} {text} {at}", why)
    print(f"-- {stage}: {run.passed} passed, {run.failed} failed so far ({time.time() - pages.Pages.began:.0f} s)", flush=True)


def feed(run):
    """The same history to both. Prometheus first: its head must not yet be younger."""
    end = int(time.time()) - 280  # so that its last samples leave the lookback while the rest is watched
    urls = [f"--url={base}/api/v1/write" for base in (P, Q)]
    shape = ["--targets", "10", "--series", "300", "--jitter-ms", "7", "--start", str(end - HISTORY), "--end", str(end)]
    subprocess.run([run.options.fleet, "feed", *shape, *urls], check=True, stdout=subprocess.DEVNULL)
    return end


def bench(run, fed):
    """The benchmark's queries agree."""
    if not run.options.bench:
        return
    servers = ["--server", f"prometheus={P}", "--server", f"promlet={Q}"]
    argv = [sys.executable, run.options.bench, *servers, "--start", str(fed - HISTORY), "--end", str(fed), "--runs", "1"]
    out = subprocess.run(argv, capture_output=True, text=True)
    if out.returncode != 0:
        run.differs("bench", out.stderr[-500:])
    for line in map(json.loads, out.stdout.splitlines()):
        run.agrees(f"bench {line['query']}", line.get("promlet differs"))


def settled(run, moments):
    """Everything up to `end` has been forwarded."""
    want = 'count_over_time(living_clock_seconds[1m])'
    for _ in range(60):
        a, b = (get(base, "/api/v1/query", dict(query=want, time=moments["end"]))[1] for base in (P, Q))
        if json.loads(a).get("data") == json.loads(b).get("data"):
            return
        time.sleep(0.5)
    run.differs("remote write", "what Prometheus forwards does not arrive")


def encoded(run):
    """Bytes of rows that have left memory."""
    return sum(os.path.getsize(path) for path in glob.glob(run.path("q", "data", "promlet", "segment-*")))


def main(run):
    options = run.options
    pages.serve()
    sd, still = run.path("sd.json"), run.path("still.json")
    run.start("replay", options.fleet, "replay", "--pages", options.recording, "--every", "1", "--listen", f"127.0.0.1:{RECORDED}", "--sd-file", sd)
    run.start("still", options.fleet, "replay", "--pages", options.recording, "--every", "100000", "--listen", f"127.0.0.1:{STILL}", "--sd-file", still)
    time.sleep(0.5)
    late = "storage: {tsdb: {out_of_order_time_window: 3h}}\n"
    scrape = "global: {scrape_interval: 500ms, external_labels: {box: here}}\n" + late + "scrape_configs:\n" + pages.both_jobs(still)
    alone = (
        f"- job_name: recorded\n  file_sd_configs: [{{files: ['{sd}']}}]\n  relabel_configs: [{{target_label: job, replacement: recorded}}]\n"
        f"- job_name: living\n  metrics_path: /living\n  static_configs: [{{targets: ['127.0.0.1:{pages.PAGES}']}}]\n"
        f"remote_write:\n- url: {Q}/api/v1/write\n  queue_config: {{min_shards: 2, max_samples_per_send: 500, batch_send_deadline: 1s}}\n"
        "  write_relabel_configs: [{source_labels: [job], regex: recorded|living, action: keep}, {regex: box, action: labeldrop}]\n"
    )
    run.write("q/prometheus.yml", scrape)
    run.start_promlet()
    run.write("p/prometheus.yml", scrape + alone)
    run.start_prometheus()
    fed = feed(run)
    begin = time.time() + 5
    time.sleep(options.seconds)
    moments = {"begin": round(begin, 3), "end": int(time.time()) - 3, "fed": fed}
    lines = [line.strip().split(" ", 1) for line in open(options.queries) if line.strip() and not line.startswith("#")]
    settled(run, moments)
    bench(run, fed)
    compare(run, lines, moments, "as it runs")
    past = [(kind, text) for kind, text in lines if kind in ("instant", "range", "history")]
    run.stop("promlet", signal.SIGKILL)
    run.agrees("segments", None if encoded(run) > 100_000 else f"only {encoded(run)} bytes of rows have been encoded")
    run.start_promlet()
    compare(run, past, moments, "after kill -9")
    run.stop("promlet")
    run.start_promlet()
    compare(run, past, moments, "after a clean end")
    bench(run, fed)
    time.sleep(2)
    settled(run, {"end": int(time.time()) - 2})
    compare(run, lines, moments, "later")
    answers.report()
    print(f"{run.passed} passed, {run.failed} failed")
    return run.failed > 0


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seconds", type=float, default=70)
parser.add_argument("--bench")
for name in ("promlet", "fleet", "prometheus", "recording", "queries"):
    parser.add_argument(name)
servers.run(parser.parse_args(), main)
