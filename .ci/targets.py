#!/usr/bin/env python3
"""Real targets: node_exporter, Prometheus, VictoriaMetrics, Alertmanager and a Python trainer, scraped by promlet and Prometheus.

    targets.py PROMLET PEERS PYTHON [SECONDS]

PEERS holds the peers' programs, PYTHON has prometheus_client. The series with all their labels, `up`, the numbers of samples,
the metadata and the values that stand still must be the same. Exits 1 where they are not.
"""
import json, os, shutil, signal, subprocess, sys, tempfile, time, urllib.parse, urllib.request

promlet, peers, python = (os.path.abspath(path) for path in sys.argv[1:4])
seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 20
HERE = os.path.dirname(os.path.abspath(__file__))
PORTS = dict(node=19310, prometheus=19311, victoriametrics=19312, alertmanager=19313, trainer=19314, promlet=19315)
P, Q = (f"http://127.0.0.1:{PORTS[name]}" for name in ("prometheus", "promlet"))
work = tempfile.mkdtemp(prefix="targets-")
processes = []
OWN_TIME = "scrape_duration_seconds"
FIGURES = ("up", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling")


def start(name, *argv):
    log = open(os.path.join(work, name + ".log"), "w")
    processes.append(subprocess.Popen(argv, stdout=log, stderr=log, cwd=work))


def write(name, text):
    path = os.path.join(work, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    return path


def get(base, path, **params):
    with urllib.request.urlopen(f"{base}{path}?" + urllib.parse.urlencode(params), timeout=30) as r:
        return json.load(r)["data"]


def vector(base, query):
    return {json.dumps(s["metric"], sort_keys=True): s["value"][1] for s in get(base, "/api/v1/query", query=query)["result"]}


def job(name, port, more=""):
    return f"- job_name: {name}\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n{more}"


def questions():
    """Name and a function from a server to what must be the same on both."""
    for name in ("node", "prometheus", "victoriametrics", "alertmanager", "trainer", "trainer-text"):
        # What a target says of itself grows while it runs, and the two scrape it one after the other: asked again until equal.
        yield f"series of {name}", lambda base, name=name: sorted(vector(base, f'{{job="{name}",__name__!="{OWN_TIME}"}}'))
        yield f"names of {name}", lambda base, name=name: vector(base, f'count by (__name__, job) ({{job="{name}"}})')
        yield f"metadata of {name}", lambda base, name=name: sorted(
            (m["metric"], m["type"], m["help"], m["unit"]) for m in get(base, "/api/v1/targets/metadata", match_target=f'{{job="{name}"}}')
        )
        for figure in FIGURES:
            yield f"{figure} of {name}", lambda base, name=name, figure=figure: vector(base, f'{figure}{{job="{name}"}}')
        labels = lambda base, name=name: get(base, "/api/v1/labels", **{"match[]": f'{{job="{name}"}}'})
        yield f"labels of {name}", labels
    still = '{__name__=~"process_start_time_seconds|.*_info|.*_build_info|node_memory_MemTotal_bytes|.*_created|training_budget_limit_usd"}'
    yield "values that stand still", lambda base: vector(base, still)
    yield "start times of the trainer, as OpenMetrics has them", lambda base: vector(base, 'training_policy_update_duration_seconds_created{job="trainer"}')
    # Where targets disagree, the order of what they say has no meaning.
    yield "metadata", lambda base: {name: sorted(json.dumps(entry, sort_keys=True) for entry in said) for name, said in get(base, "/api/v1/metadata").items()}
    yield "health", lambda base: sorted((t["scrapePool"], t["health"], t["scrapeUrl"], json.dumps(t["labels"])) for t in get(base, "/api/v1/targets")["activeTargets"])


def shown(a, b):
    a, b = (sorted(map(str, v.items())) if isinstance(v, dict) else [str(e) for e in v] for v in (a, b))
    only, only_too = [e for e in a if e not in set(b)], [e for e in b if e not in set(a)]
    return f"{len(a)} / {len(b)}: {only[:3]} / {only_too[:3]}"[:900]


def main():
    listen = lambda name: f"127.0.0.1:{PORTS[name]}"
    start("node", f"{peers}/node_exporter", f"--web.listen-address={listen('node')}")
    start("victoriametrics", f"{peers}/victoria-metrics", f"-httpListenAddr={listen('victoriametrics')}", f"-storageDataPath={work}/vm", "-metrics.exposeMetadata")
    nobody = write("am/alertmanager.yml", "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    start("alertmanager", f"{peers}/alertmanager", f"--config.file={nobody}", f"--storage.path={work}/am", f"--web.listen-address={listen('alertmanager')}", "--cluster.listen-address=")
    start("trainer", python, os.path.join(HERE, "trainer.py"), str(PORTS["trainer"]))
    config = "global: {scrape_interval: 1s}\nscrape_configs:\n"
    config += "".join(job(name, PORTS[name]) for name in ("node", "prometheus", "victoriametrics", "alertmanager", "trainer"))
    config += job("trainer-text", PORTS["trainer"], "  scrape_protocols: [PrometheusText0.0.4]\n")
    start("prometheus", f"{peers}/prometheus", f"--config.file={write('p/prometheus.yml', config)}", f"--storage.tsdb.path={work}/p/data", f"--web.listen-address={listen('prometheus')}")
    start("promlet", promlet, f"--config.file={write('q/prometheus.yml', config)}", f"--storage.tsdb.path={work}/q/data", f"--web.listen-address={listen('promlet')}")
    time.sleep(seconds)
    failed = passed = 0
    for name, ask in questions():
        for _ in range(8):
            a, b = ask(P), ask(Q)
            if a == b:
                break
            time.sleep(0.7)
        if a == b and len(a) > 0:
            passed += 1
        else:
            failed += 1
            print(f"DIFFERS {name}: {shown(a, b)}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


code = 2
try:
    code = int(main())
finally:
    for process in reversed(processes):
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
    if code == 0:
        shutil.rmtree(work, ignore_errors=True)
    else:
        print(f"logs and data: {work}")
sys.exit(code)
