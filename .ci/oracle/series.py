"""Generated series for the differential test: gaps, resets, stale markers, NaN, infinities, jitter, churn, histograms; and how they are sent.

Times are in milliseconds from the beginning of the data, all multiples of `GRID`, so that a `.test` file can hold them.
"""
import math, struct, urllib.request

import histograms
from histograms import Histogram

GRID = 250
LENGTH = 40 * 60_000
SCRAPE = 15_000
# How long before the data every series has had a first sample.
BEFORE = 2 * 3_600_000
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
INSTANCES, JOBS, CODES, BOUNDS = "abcd", ("api", "db"), ("200", "404", "500"), ("0.1", "0.5", "1", "2.5", "+Inf")
# No denormal numbers: Go's logarithm on x86-64 gets those wrong.
ODD = [math.nan, math.inf, -math.inf, -0.0, 0.0, 2.3e-308, 1.7e308, 0.1, -3.5]


def is_stale(value):
    return struct.pack("<d", value) == struct.pack("<d", STALE)


class Instance:
    """When one target was scraped: with jitter, missed scrapes, and times at which it was gone."""

    def __init__(self, random, name):
        self.job = JOBS[INSTANCES.index(name) % 2]
        self.name = name
        self.zone = "z" + str(INSTANCES.index(name) // 2)
        offset = random.randrange(0, SCRAPE, GRID)
        jitter = random.choice([0, 0, GRID, 3 * GRID])
        self.times, self.ends = [], []
        at, up = offset, True
        while at < LENGTH:
            if random.random() < 0.02:
                up = not up
                if not up:
                    self.ends.append(at)
                    # Some are gone for longer than the lookback.
                    at += random.choice([1, 2, 5, 30]) * SCRAPE
                    up = True
                    continue
            if random.random() > 0.06:
                self.times.append(at + random.randrange(-jitter, jitter + 1, GRID) if jitter else at)
            at += SCRAPE
        self.times = [t for t in self.times if t >= 0]


def generate(random):
    """Label sets (pairs, sorted) with their points `(time, value)`."""
    all_series = {}

    def series(name, points, **labels):
        key = tuple(sorted({"__name__": name, **labels}.items()))
        all_series[key] = sorted({t: v for t, v in points}.items())

    for name in INSTANCES:
        it = Instance(random, name)
        place = dict(job=it.job, instance=name)
        # A target that goes leaves stale markers most of the time.
        marks = [(t, STALE) for t in it.ends if random.random() < 0.8]
        gauge = lambda f: [(t, f(t)) for t in it.times] + marks
        series("up", gauge(lambda t: float(random.random() > 0.1)), **place)
        for code in CODES:
            series("requests_total", counter(random, it.times) + marks, code=code, **place)
        series("errors_total", counter(random, it.times[::3], integer=False), **place)
        series("load", gauge(lambda t: round(random.gauss(5, 3), 2)), zone=it.zone, **place)
        series("temperature_celsius", gauge(lambda t: random.choice(ODD) if random.random() < 0.15 else float(random.randrange(-9, 40))), zone=it.zone, **place)
        series("size_bytes", gauge(lambda t: float(4096 * (1 + t // 600_000))), **place)
        histogram(random, it, marks, lambda le, points: series("latency_seconds_bucket", points, le=le, **place))
        for kind in ("counter", "gauge", "custom"):
            series(f"native_{kind}", histograms.generate(random, it, kind), **place)
        for since in range(3):
            window = [t for t in it.times if since * LENGTH // 3 <= t < (since + 1) * LENGTH // 3]
            ended = [(window[-1] + GRID, STALE)] if window and random.random() < 0.5 else []
            series("build_info", [(t, 1.0) for t in window] + ended, version=f"v{since}", zone=it.zone, **place)
    for n in range(5):
        times = sorted(random.sample(range(0, LENGTH, GRID), [1, 2, 5, 12, 40][n]))
        series("sparse", [(t, float(random.randrange(0, 9))) for t in times], n=str(n), parity=str(n % 2))
    for n in range(4):
        on = [t for t in range(0, LENGTH, SCRAPE) if (t // (60_000 * (n + 1))) % 2]
        off = [(t + SCRAPE, STALE) for t in on if t + SCRAPE not in on]
        series("flapping", [(t, float(t // SCRAPE % 7)) for t in on] + off, n=str(n), parity=str(n % 2))
    for n in range(3):
        series("native_mixed", histograms.mixed(random, range(0, LENGTH, SCRAPE), n), n=str(n), parity=str(n % 2))
    for n, value in enumerate(ODD):
        series("constant", [(t, value) for t in range(0, LENGTH, 30_000)], n=str(n))
    series("http.requests", [(t, float(t // SCRAPE)) for t in range(0, LENGTH, SCRAPE)], **{"service.name": "shop", "job": "api"})
    series("clock_seconds", [(t, t / 1000) for t in range(0, LENGTH, SCRAPE)])
    return all_series


def counter(random, times, integer=True):
    points, value = [], 0.0
    for t in times:
        if random.random() < 0.03:
            value = 0.0
        value += float(random.randrange(0, 20)) if integer else round(random.random() * 5, 3)
        points.append((t, value))
    return points


def histogram(random, it, marks, series):
    counts = [0.0] * len(BOUNDS)
    columns = [[] for _ in BOUNDS]
    for t in it.times:
        if random.random() < 0.03:
            counts = [0.0] * len(BOUNDS)
        grown = 0.0
        for at in range(len(BOUNDS)):
            grown += float(random.randrange(0, 4)) if random.random() < 0.6 else 0.0
            counts[at] += grown
            # Rarely a bucket that falls behind.
            columns[at].append((t, counts[at] - (2.0 if random.random() < 0.02 else 0.0)))
    for le, points in zip(BOUNDS, columns):
        series(le, points + marks)


def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def snappy(data):
    """The block format with literals only."""
    out = bytearray(varint(len(data)))
    for at in range(0, len(data), 65536):
        piece = data[at : at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return bytes(out)


def sample(t, value):
    if isinstance(value, Histogram):
        return field(4, histograms.message(value, t, varint, field))
    return field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(t))


def requests(all_series, base):
    """Remote-write bodies in order of time; `base` is where the data begin, in milliseconds."""
    events = sorted((t, key, v) for key, points in all_series.items() for t, v in points if v == v)
    events += [(t, key, v) for key, points in all_series.items() for t, v in points if v != v]
    events.sort(key=lambda e: e[:2])
    # Which of equal values topk picks hangs on the order in which the series were made: they all begin once, long before the rest.
    events = [(-BEFORE, key, 0.0) for key in sorted(all_series)] + events
    by_series, count = {}, 0
    for t, key, v in events:
        # Of one request Prometheus takes all floats before all histograms, and those of integers before those of floats.
        if count == 3000 or (key in by_series and kind(by_series[key][-1][1]) != kind(v)):
            yield request(by_series, base)
            by_series, count = {}, 0
        by_series.setdefault(key, []).append((t, v))
        count += 1
    yield request(by_series, base)


def kind(value):
    return value.whole if isinstance(value, Histogram) else "float"


def request(by_series, base):
    body = b""
    for key, points in by_series.items():
        labels = b"".join(field(1, field(1, n.encode()) + field(2, v.encode())) for n, v in key)
        body += field(1, labels + b"".join(sample(base + t, v) for t, v in points))
    return snappy(body)


def send(base_url, bodies):
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
    for body in bodies:
        urllib.request.urlopen(urllib.request.Request(base_url + "/api/v1/write", body, headers)).read()


def number(value):
    if isinstance(value, Histogram):
        return histograms.notation(value, number)
    if is_stale(value):
        return "stale"
    return {math.inf: "Inf", -math.inf: "-Inf"}.get(value, "NaN" if math.isnan(value) else repr(value))


def load(all_series, names, until):
    """The `load` block of a `.test` file with the series of some metrics, up to a time."""
    lines = [f"load {GRID}ms"]
    for key, points in all_series.items():
        labels = dict(key)
        if labels["__name__"] not in names:
            continue
        words, place = [], 0
        for t, v in points:
            if t > until:
                break
            gap = t // GRID - place
            words += [f"_x{gap}"] if gap > 1 else ["_"] * gap
            words.append(number(v))
            place = t // GRID + 1
        if words:
            pairs = ", ".join(f'"{n}"="{v}"' for n, v in key if n != "__name__")
            lines.append(f'  {{"{labels["__name__"]}", {pairs}}} ' + " ".join(words))
    return "\n".join(lines)
