"""What both servers scrape while the live oracle runs: a page that moves, pages that stand still, and the jobs that ask for them."""
import http.server, math, os, threading, time, urllib.parse

PAGES, NOBODY = 19305, 19399
TEXT, OPENMETRICS = "text/plain; version=0.0.4; charset=utf-8", "application/openmetrics-text; version=1.0.0; charset=utf-8"
HERE = os.path.dirname(os.path.abspath(__file__))


def living(t):
    """The page that moves, at second `t`: what happens to series in a bad week, in a minute."""
    odd = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7e308, 0.1]
    lines = [
        "# TYPE living_requests_total counter",
        f'living_requests_total{{code="200"}} {10 * t}',
        f'living_requests_total{{code="500"}} {3 * (t % 17)}',
        f'living_requests_total{{code="503"}} {7}',
        "# TYPE living_gauge gauge",
        f'living_gauge{{kind="odd"}} {odd[t % len(odd)]}',
        f'living_gauge{{kind="saw"}} {t % 9 - 4}',
        f'living_gauge{{kind="constant"}} 42',
        f'living_gauge{{kind="large"}} {1e300 * (t % 5)}',
        f"living_clock_seconds {t}",
        "# TYPE living_seconds histogram",
    ]
    for size in ("small", "large"):
        scale = {"small": 1, "large": 1000}[size] * (t % 23)
        for le, share in (("0.1", 2), ("0.5", 5), ("1", 5), ("2.5", 9)):
            lines.append(f'living_seconds_bucket{{size="{size}",le="{le}"}} {scale * share}')
        lines += [f'living_seconds_bucket{{size="{size}",le="+Inf"}} {scale * 10}', f'living_seconds_sum{{size="{size}"}} {scale * 7.25}', f'living_seconds_count{{size="{size}"}} {scale * 10}']
    lines += [f'living_endless_bucket{{le="{le}"}} {t * n}' for n, le in enumerate(("1", "2", "4"), 1)]  # no +Inf
    lines += [f'living_wobbly_bucket{{le="{le}"}} {t * n}' for n, le in ((3, "1"), (2, "2"), (5, "+Inf"))]
    lines += [f'living_lost_bucket{{le="{le}"}} {t * n}' for n, le in ((1, "1"), (2, "many"), (5, "+Inf"))]
    lines += [f'living_joined{{slot="{n}",gpu="{n % 2}"}} {t + n}' for n in range(4)]
    # No new series in the last comparison: /series would be asked between its scrape and its arrival by remote write.
    lines += [f'living_info{{gpu="{n}",model="m{n}",since="{min(t // 20, 3)}"}} 1' for n in range(2)]
    lines += [f'living_flapping{{n="{n}"}} {t}' for n in range(3) if (t // (3 + n)) % 2]
    lines += [f'living_quantity{{n="{n}"}} {(t * (n + 3)) % 11}' for n in range(6)]
    return "\n".join(lines) + "\n"


class Pages(http.server.BaseHTTPRequestHandler):
    """What both servers scrape; `/living` is asked by Prometheus alone."""

    protocol_version = "HTTP/1.1"
    began = time.time()
    folder = os.path.join(HERE, "..", "..", "tests", "oracle", "pages")

    def page(self):
        """Status, content type, body."""
        path = self.path.split("?")[0]
        if path == "/living":
            t = int(time.time() - Pages.began)
            if t % 30 in (20, 21):
                return 500, TEXT, "down"
            return 200, TEXT, living(t) + ("this is no sample\n" if t % 30 in (25, 26) else "")
        if path == "/times":
            return 200, TEXT, "".join(f"times_{n} {n} {int(Pages.began * 1000) + n}\n" for n in range(3)) + "times_none 4\n"
        if path == "/broken":
            return 200, TEXT, "good 1\n" * 3 + "bad 0x1p3\n"
        if path == "/asked":
            query = urllib.parse.parse_qs(self.path.partition("?")[2])
            return 200, TEXT, "".join(f'asked{{name="{k}",value="{v}"}} 1\n' for k, vs in query.items() for v in vs)
        if path == "/twice":
            return 200, TEXT, 'twice{a="1"} 1\ntwice{a="1"} 1\ntwice{a="1"} 2\n'
        if path in ("/odd", "/untyped"):
            return 200, TEXT if path == "/odd" else None, open(os.path.join(self.folder, "odd.txt")).read()
        if path == "/openmetrics":
            return 200, OPENMETRICS, open(os.path.join(self.folder, "openmetrics.txt")).read()
        if path == "/endless":
            return 200, OPENMETRICS, "no_end 1\n"
        return 404, TEXT, "no such page"

    def do_GET(self):
        status, kind, body = self.page()
        body = body.encode()
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def both_jobs(still):
    """The jobs that Prometheus and promlet have alike."""
    address = f"127.0.0.1:{PAGES}"
    job = lambda name, path, more="": f"- job_name: {name}\n  metrics_path: {path}\n  static_configs: [{{targets: ['{address}']}}]\n{more}"
    rules = (
        "  metric_relabel_configs:\n"
        "  - {source_labels: [__name__], regex: odd_drop_me, action: drop}\n"
        "  - {source_labels: [__name__], regex: odd_(rename)_me, target_label: __name__, replacement: 'odd_${1}d'}\n"
        "  - {source_labels: [pod], regex: '(.+)-[0-9a-f]+-[a-z]+', target_label: deployment}\n"
        "  - {source_labels: [pod], target_label: shard, modulus: 8, action: hashmod}\n"
        "  - {regex: 'zo(n)e', replacement: 'kept_$1', action: labelmap}\n"
        "  - {regex: 'zone|lines', action: labeldrop}\n"
        "  - {source_labels: [quote], target_label: quote, action: uppercase}\n"
    )
    targets = (
        "- job_name: targets\n  metrics_path: /asked\n  params: {x: [one, two], 'y z': ['&=']}\n  static_configs:\n"
        f"  - targets: ['{address}', 'localhost:{PAGES}', '127.0.0.1:{NOBODY}']\n    labels: {{__param_x: given, team: a, __tmp: gone}}\n"
        "  relabel_configs:\n"
        "  - {source_labels: [__address__], regex: '(.*):.*', target_label: host}\n"
        "  - {source_labels: [__param_x, team], separator: '/', target_label: both}\n"
        "  - {target_label: __param_added, replacement: by-rule}\n"
        "  - {source_labels: [host, team], regex: 'localhost;(.)', target_label: instance, replacement: 'box-$1'}\n"
    )
    return (
        f"- job_name: still\n  file_sd_configs: [{{files: ['{still}']}}]\n  relabel_configs: [{{target_label: job, replacement: still}}]\n"
        + job("odd", "/odd", rules)
        + job("honored", "/odd", "  honor_labels: true\n")
        + job("openmetrics", "/openmetrics")
        + job("openmetrics-asked", "/openmetrics", "  scrape_protocols: [PrometheusText0.0.4]\n")
        + job("times", "/times")
        + job("times-ignored", "/times", "  honor_timestamps: false\n")
        + job("broken", "/broken")
        + job("twice", "/twice")
        + job("endless", "/endless")
        + job("untyped", "/untyped")
        + job("fallback", "/untyped", "  fallback_scrape_protocol: PrometheusText0.0.4\n")
        + job("missing", "/missing")
        + job("samples", "/odd", "  sample_limit: 5\n")
        + job("labels", "/odd", "  label_limit: 3\n")
        + job("values", "/odd", "  label_value_length_limit: 16\n")
        + job("names", "/odd", "  label_name_length_limit: 8\n")
        + job("body", "/odd", "  body_size_limit: 100B\n")
        + job("overfull", "/odd", "  target_limit: 1\n").replace(f"['{address}']", f"['{address}', 'localhost:{PAGES}']")
        + job("legacy", "/odd", "  metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: underscores\n")
        + targets
    )


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PAGES), Pages)
    server.handle_error = lambda *_: None  # a client that was killed
    threading.Thread(target=server.serve_forever, daemon=True).start()
