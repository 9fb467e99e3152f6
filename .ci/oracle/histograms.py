"""Native histograms: generated, as they go over the wire, as a `.test` file spells them, and compared as JSON."""
import math, struct

CUSTOM = -53
UNKNOWN, GAUGE = 0, 3


class Histogram:
    """Counts by bucket index; of custom buckets the index of the bound. `bounds` are those of custom buckets."""

    def __init__(self, schema, bounds=(), hint=UNKNOWN, whole=True):
        self.schema, self.bounds, self.hint, self.whole = schema, list(bounds), hint, whole
        self.sum, self.zero, self.positive, self.negative, self.more = 0.0, 0, {}, {}, 0
        self.stale = False

    def copy(self):
        other = Histogram(self.schema, self.bounds, self.hint, self.whole)
        other.sum, other.zero, other.more, other.stale = self.sum, self.zero, self.more, self.stale
        other.positive, other.negative = dict(self.positive), dict(self.negative)
        return other

    def count(self):
        return self.zero + sum(self.positive.values()) + sum(self.negative.values()) + self.more

    def observe(self, value, weight=1):
        self.sum += value * weight
        if value != value:
            self.more += weight
        elif self.schema == CUSTOM:
            at = sum(value > bound for bound in self.bounds)
            self.positive[at] = self.positive.get(at, 0) + weight
        elif abs(value) < 0.001:
            self.zero += weight
        else:
            side = self.positive if value > 0 else self.negative
            at = math.ceil(math.log2(abs(value)) * 2.0**self.schema)
            side[at] = side.get(at, 0) + weight


def gone(whole):
    """A stale marker of a series of histograms."""
    mark = Histogram(0, whole=whole)
    mark.stale = True
    return mark


def begun(histogram, at, kind):
    """With enough in it that no rate is cut at a projected zero, which 3.5 does for floats only; and with observations on the same
    sides of zero at all times: a side that was empty at one time counts as one in a Prometheus whose chunk has it at another."""
    for value in (0.02, 0.3, 1, 1.7, 6):
        histogram.observe(value, 400)
    for value in (-3, -0.2, 0) if kind != "custom" and at >= 2 else (0,):
        histogram.observe(value, 100)
    return histogram


def generate(random, instance, kind):
    """Points of a series: `counter`, `gauge`, `custom`."""
    at = "abcd".index(instance.name)
    bounds = [[0.1, 0.5, 1, 2.5], [0.1, 0.5, 1, 2.5], [0.5, 1, 10], [0.5, 2.5]]
    whole = at != 3
    fresh = lambda late: {
        "counter": lambda: Histogram([0, 3, 0 if late else 2, -1][at], whole=whole),
        "gauge": lambda: Histogram([1, 1, 0, 5][at], hint=GAUGE, whole=whole),
        "custom": lambda: Histogram(CUSTOM, bounds[at - 1] if late and at == 3 else bounds[at], whole=whole),
    }[kind]()
    points, now, was_late = [], begun(fresh(False), at, kind), False
    for t in instance.times:
        late = t > 1_200_000
        if kind == "gauge" or random.random() < 0.03 or late != was_late:
            now = begun(fresh(late), at, kind)
        was_late = late
        for _ in range(random.randrange(0, 5)):
            value = random.choice([0.0, random.gauss(1, 2), math.exp(random.gauss(-1, 1.5))])
            now.observe(round(abs(value) if kind == "custom" or at < 2 else value, 4), 1 if whole else random.choice([0.5, 1, 1.25]))
        points.append((t, now.copy()))
    return points + [(t, gone(whole)) for t in instance.ends if random.random() < 0.8]


def mixed(random, times, n):
    """Now a float, now a histogram; one of them with values that are no numbers."""
    points, now = [], begun(Histogram(n), 0, "mixed")
    for t in times:
        now.observe(random.choice([0.2, 3.0, 17.5]) if n < 2 or random.random() < 0.8 else random.choice([math.nan, 1e300]))
        is_float = (t // 240_000) % 2 if n else random.random() < 0.5
        points.append((t, float(now.count()) if is_float else now.copy()))
    return points


def spans(side):
    """`(offset, length)` from one run of buckets to the next."""
    found, place = [], 0
    for at in sorted(side):
        if found and at == place:
            found[-1][1] += 1
        else:
            found.append([at - place, 1])
        place = at + 1
    return found


def message(h, t, varint, field):
    """`prompb.Histogram`; the helpers are those of `series`."""
    zigzag = lambda n: varint(n << 1 if n >= 0 else (-n << 1) - 1)
    double = lambda number, value: varint(number << 3 | 1) + struct.pack("<d", value)
    if h.stale:
        return (varint(1 << 3) + varint(0) if h.whole else double(2, 0)) + varint(3 << 3 | 1) + struct.pack("<Q", 0x7FF0000000000002) + varint(15 << 3) + varint(t)
    out = varint(1 << 3) + varint(h.count()) if h.whole else double(2, h.count())
    out += double(3, h.sum) + varint(4 << 3) + zigzag(h.schema)
    if h.schema != CUSTOM:
        out += double(5, 0.001)
        out += varint(6 << 3) + varint(h.zero) if h.whole else double(7, h.zero)
    for side, first in ((h.negative, 8), (h.positive, 11)):
        for offset, length in spans(side):
            out += field(first, varint(1 << 3) + zigzag(offset) + varint(2 << 3) + varint(length))
        counts = [side[at] for at in sorted(side)]
        if h.whole:
            out += field(first + 1, b"".join(zigzag(n - before) for before, n in zip([0, *counts], counts))) if counts else b""
        else:
            out += field(first + 2, struct.pack(f"<{len(counts)}d", *counts)) if counts else b""
    out += varint(14 << 3) + varint(h.hint) + varint(15 << 3) + varint(t)
    return out + (field(16, struct.pack(f"<{len(h.bounds)}d", *h.bounds)) if h.bounds else b"")


def notation(h, number):
    """As a `.test` file has it; `number` spells a float."""
    if h.stale:
        return "stale"
    words = [f"schema:{h.schema}", f"sum:{number(h.sum)}", f"count:{h.count()}"]
    if h.schema != CUSTOM:
        words += [f"z_bucket:{h.zero}", "z_bucket_w:0.001"]
    for side, prefix in ((h.positive, ""), (h.negative, "n_")):
        if side:
            low, high = min(side), max(side)
            words.append(f"{prefix}buckets:[{' '.join(str(side.get(at, 0)) for at in range(low, high + 1))}]")
            words += [f"{prefix}offset:{low}"] if low else []
    if h.bounds:
        words.append(f"custom_values:[{' '.join(map(str, h.bounds))}]")
    if h.hint == GAUGE:
        words.append("counter_reset_hint:gauge")
    return "{{" + " ".join(words) + "}}"


def difference(old, new, close):
    """What differs between two histograms in JSON; a bucket that is not there has no observations."""
    for key in ("count", "sum"):
        if not close(old[key], new[key]):
            return f"{key} {old[key]} / {new[key]}"
    buckets = [{tuple(b[:3]): float(b[3]) for b in h.get("buckets") or []} for h in (old, new)]
    size = max([0.0, *(abs(n) for side in buckets for n in side.values())])
    for key in sorted({*buckets[0], *buckets[1]}, key=str):
        one, two = (side.get(key, 0.0) for side in buckets)
        # Divided by nothing, Prometheus's empty buckets are there, too.
        is_nan = any(n != n and (m != m or key not in side) for n, m, side in ((one, two, buckets[1]), (two, one, buckets[0])))
        if not (abs(one - two) <= 1e-9 * size or one == two or is_nan):
            return f"bucket {key}: {one} / {two}"
    return None
