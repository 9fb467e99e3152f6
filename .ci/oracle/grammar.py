"""Random PromQL as trees that can be shrunk.

A node is `(type, parts)`: parts are texts, times (`At`) and nodes. Types are those of PromQL: v, s, m, t.
"""
import re

METRICS = {
    "up": ["job", "instance"],
    "requests_total": ["job", "instance", "code"],
    "errors_total": ["job", "instance"],
    "load": ["job", "instance", "zone"],
    "temperature_celsius": ["job", "instance", "zone"],
    "size_bytes": ["job", "instance"],
    "latency_seconds_bucket": ["job", "instance", "le"],
    "build_info": ["job", "instance", "zone", "version"],
    "sparse": ["n", "parity"],
    "flapping": ["n", "parity"],
    "constant": ["n"],
    "clock_seconds": [],
    "native_counter": ["job", "instance"],
    "native_gauge": ["job", "instance"],
    "native_custom": ["job", "instance"],
    "native_mixed": ["n", "parity"],
    '"http.requests"': ["job"],
    "missing": [],
}
VALUES = {
    "job": ["api", "db", "x", ""], "instance": ["a", "b", "c"], "code": ["200", "500", "404"], "zone": ["z0", "z1", ""],
    "le": ["0.5", "+Inf", "1"], "version": ["v0", "v1", "v2"], "n": ["0", "1", "3"], "parity": ["0", "1"], "none": ["", "x"],
}
REGEXES = {
    "job": ["a.*", ".+", "api|db", ".*", "d."], "instance": ["[ab]", "a|c", ".+", "[^a]", "(?i:A)"], "code": ["2..", "[45]..", "4.*|500", "\\\\d+"],
    "zone": ["z.", "z0|", ".+"], "le": ["0.*", "[^+].*", "1|2.5"], "version": ["v[01]", "v."], "n": ["[0-2]", "\\\\d", ".+"], "parity": ["0|1", "1"],
    "none": [".*", "x?", ".+"],
}
NATIVE = ["native_counter"] * 3 + ["native_gauge", "native_custom", "native_custom", "native_mixed"]
LABELS = ["job", "instance", "code", "zone", "le", "version", "n", "parity", "none", "__name__"]
LENGTHS = ["15s", "30s", "1m", "90s", "2m", "5m", "10m", "37s", "1s", "500ms", "1m1s", "25m"]
NUMBERS = ["0", "1", "-1", "0.5", "2", "3.7", "1e9", "NaN", "Inf", "-Inf", "0x1F", "1_000", "5m", ".25", "1e-3", "100", "10"]
OVER_TIME = "avg min max sum count last present stddev stdvar".split()
RATES = "rate increase irate delta idelta deriv changes resets".split()
MATHS = "abs ceil floor exp ln log2 log10 sqrt sgn sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh deg rad".split()
DATES = "hour minute month year day_of_week day_of_month day_of_year days_in_month".split()
EXPERIMENTAL_OVER_TIME = "mad ts_of_max ts_of_min ts_of_last".split()


class At(int):
    """Milliseconds from the beginning of the data."""


class Node:
    def __init__(self, kind, *parts, simpler=()):
        self.kind, self.parts, self.simpler = kind, parts, simpler

    def text(self, base=0):
        """`base` is where the data begin, in milliseconds."""
        one = lambda p: p if isinstance(p, str) else f"{(p + base) / 1000:.3f}" if isinstance(p, At) else p.text(base)
        return "".join(map(one, self.parts))

    def nodes(self):
        yield self
        for part in self.parts:
            if isinstance(part, Node):
                yield from part.nodes()

    def size(self):
        return len(self.text())

    def smaller(self):
        """Nodes that could stand here instead, the smallest first."""
        inside = [n for n in self.nodes() if n is not self and n.kind == self.kind]
        leaves = {"v": ["up", "vector(1)"], "s": ["1"], "m": ["up[1m]"], "t": ['"x"']}[self.kind]
        found = [Node(self.kind, leaf) for leaf in leaves] + inside + list(self.simpler)
        for at, part in enumerate(self.parts):
            if isinstance(part, Node):
                found += [Node(self.kind, *self.parts[:at], kid, *self.parts[at + 1 :], simpler=self.simpler) for kid in part.smaller()]
        found = [n for n in found if n.size() < self.size()]
        return sorted(found, key=Node.size)


class Grammar:
    def __init__(self, random, length):
        self.random, self.length = random, length

    def pick(self, *weighted):
        """One of `(weight, make)`."""
        makes = [make for _, make in weighted]
        return self.random.choices(makes, [weight for weight, _ in weighted])[0]()

    def chance(self, share):
        return self.random.random() < share

    def choice(self, things):
        return self.random.choice(things)

    # --- leaves
    def matcher(self, label):
        if self.chance(0.5):
            return f'{label}{self.choice(["=", "!="])}"{self.choice(VALUES[label])}"'
        return f'{label}{self.choice(["=~", "=~", "!~"])}"{self.choice(REGEXES[label])}"'

    def bare_selector(self, metric=None):
        if metric is None and self.chance(0.04):
            return self.choice(['{__name__=~"load|up"}', '{job="api",__name__=~"s.*|l.*d"}', '{n=~".+"}', '{"sparse",n!="0"}', '{none=""}', '{job=~".*"}'])
        metric = metric or self.choice(list(METRICS))
        labels = METRICS[metric] + ["none"]
        chosen = [l for l in labels if self.chance(0.25)]
        matchers = [self.matcher(l) for l in chosen]
        if metric.startswith('"'):
            return "{" + ",".join([metric, *matchers]) + "}"
        return metric + ("{" + ",".join(matchers) + "}" if matchers else "")

    def modifiers(self):
        parts = []
        if self.chance(0.15):
            parts.append([" offset ", self.choice(["", "", "-"]) + self.choice(LENGTHS)])
        if self.chance(0.1):
            parts.append(self.choice([[" @ ", At(self.random.randrange(0, self.length, 250))], [" @ start()"], [" @ end()"]]))
        self.random.shuffle(parts)
        return [piece for part in parts for piece in part]

    def selector(self, metric=None):
        text, modifiers = self.bare_selector(metric), self.modifiers()
        plain = [Node("v", text)] if modifiers else []
        return Node("v", text, *modifiers, simpler=plain + [Node("v", text.split("{")[0] or text)])

    def number(self):
        return Node("s", self.choice(NUMBERS))

    def string(self, choices=("x", "", "a-b", "job")):
        return Node("t", '"' + self.choice(choices) + '"')

    # --- types
    def matrix(self, depth, metric=None):
        if depth <= 0 or self.chance(0.75):
            text, length, modifiers = self.bare_selector(metric), f"[{self.choice(LENGTHS)}]", self.modifiers()
            return Node("m", text, length, *modifiers, simpler=[Node("m", text, length), Node("m", text.split("{")[0] or text, length)])
        step = self.choice(["", "15s", "30s", "1m", "7s", "2m"])
        inner, length, modifiers = self.vector(depth - 1), self.choice(LENGTHS), self.modifiers()
        # A subquery of many points is slow in both.
        return Node("m", "(", inner, f")[{length}:{step}]", *modifiers, simpler=[Node("m", "(", inner, f")[{length}:{step}]")])

    def scalar(self, depth):
        if depth <= 0:
            return self.pick((6, self.number), (1, lambda: Node("s", "time()")), (1, lambda: Node("s", "pi()")))
        inner = lambda: self.scalar(depth - 1)
        return self.pick(
            (6, self.number),
            (1, lambda: Node("s", "time()")),
            (2, lambda: Node("s", "scalar(", self.vector(depth - 1), ")")),
            (2, lambda: Node("s", "(", inner(), self.choice([" + ", " - ", " * ", " / ", " % ", " ^ ", " == bool ", " < bool ", " atan2 "]), inner(), ")")),
            (1, lambda: Node("s", "-", inner())),
        )

    def vector(self, depth):
        if depth <= 0:
            return self.selector()
        down = lambda: self.vector(depth - 1)
        matrix = lambda metric=None: self.matrix(depth - 1, metric)
        return self.pick(
            (3, self.selector),
            (5, lambda: self.aggregation(depth)),
            (2, lambda: Node("v", self.choice(RATES), "(", matrix(), ")")),
            (2, lambda: Node("v", self.choice(RATES[:3]), "(", matrix(self.choice(["requests_total", "errors_total", "latency_seconds_bucket"])), ")")),
            (3, lambda: Node("v", self.choice(OVER_TIME), "_over_time(", matrix(), ")")),
            (0.6, lambda: Node("v", self.choice(EXPERIMENTAL_OVER_TIME), "_over_time(", matrix(), ")")),
            (0.5, lambda: Node("v", "quantile_over_time(", self.scalar(depth - 1), ", ", matrix(), ")")),
            (0.5, lambda: Node("v", "predict_linear(", matrix(), ", ", self.scalar(depth - 1), ")")),
            (0.3, lambda: Node("v", "double_exponential_smoothing(", matrix(), ", ", self.choice(["0.5", "0.1", "0.9"]), ", ", self.choice(["0.5", "0.3"]), ")")),
            (1, lambda: Node("v", self.choice(MATHS), "(", down(), ")")),
            (0.4, lambda: Node("v", self.choice(DATES), "(", down(), ")")),
            (0.4, lambda: Node("v", "timestamp(", down(), ")")),
            (0.5, lambda: Node("v", "clamp(", down(), ", ", self.scalar(depth - 1), ", ", self.scalar(depth - 1), ")")),
            (0.5, lambda: Node("v", self.choice(["clamp_min", "clamp_max", "round"]), "(", down(), ", ", self.scalar(depth - 1), ")")),
            (5, lambda: self.binary(depth)),
            (0.6, lambda: Node("v", "-", down())),
            (0.3, lambda: Node("v", "+", down())),
            (1, lambda: self.label_function(depth)),
            (2, lambda: self.histogram(depth)),
            (2, lambda: self.native_number(depth)),
            (1.5, lambda: self.native(depth)),
            (0.5, lambda: Node("v", "absent(", down(), ")")),
            (0.5, lambda: Node("v", "absent_over_time(", matrix(), ")")),
            (0.5, lambda: Node("v", "vector(", self.scalar(depth - 1), ")")),
            (0.5, lambda: Node("v", self.choice(["sort", "sort_desc"]), "(", down(), ")")),
            (0.3, lambda: Node("v", self.choice(["sort_by_label", "sort_by_label_desc"]), "(", down(), f', "{self.choice(LABELS)}")')),
            (0.4, lambda: Node("v", "(", down(), ")")),
        )

    def names(self, most=2):
        return ", ".join(self.random.sample(LABELS, self.random.randrange(0, most + 1)))

    def grouping(self):
        return self.choice(["", "", f" by ({self.names()})", f" by ({self.names(3)})", f" without ({self.names()})"])

    def aggregation(self, depth):
        grouping, inner = self.grouping(), self.vector(depth - 1)
        name = self.choice("sum sum sum avg avg min max count group stddev stdvar topk bottomk quantile count_values".split())
        first = []
        if name in ("topk", "bottomk"):
            first = [Node("s", self.choice(["1", "2", "3", "0", "-1", "10"])) if self.chance(0.85) else self.scalar(depth - 1), ", "]
        elif name == "quantile":
            first = [Node("s", self.choice(["0", "0.5", "0.9", "1", "-1", "2", "NaN"])) if self.chance(0.85) else self.scalar(depth - 1), ", "]
        elif name == "count_values":
            first = [Node("t", f'"{self.choice(["value", "job", "n", "le"])}"'), ", "]
        simpler = [Node("v", name, "(", *first, inner, ")")] if grouping else []
        return Node("v", name, grouping, "(", *first, inner, ")", simpler=simpler)

    def binary(self, depth):
        arithmetic = [" + ", " - ", " * ", " / ", " % ", " ^ ", " atan2 "]
        comparisons = [" == ", " != ", " > ", " < ", " >= ", " <= "]
        op = self.choice(arithmetic + comparisons + [" and ", " or ", " unless "] * 2)
        is_set = op in (" and ", " or ", " unless ")
        if op in comparisons and self.chance(0.3):
            op += "bool "
        if not is_set and self.chance(0.4):
            sides = [self.vector(depth - 1), self.scalar(depth - 1)]
            self.random.shuffle(sides)
            return Node("v", "(", sides[0], op, sides[1], ")")
        left, right = self.vector(depth - 1), self.vector(depth - 1)
        if not is_set and self.chance(0.5):
            # Sides that are likely to match.
            right = Node("v", self.choice(["", "-", "abs"]), "(", left, ")")
        clause = ""
        if self.chance(0.5):
            clause = f"{self.choice(['on', 'ignoring'])} ({self.names(3)}) "
            if not is_set and self.chance(0.5):
                include = self.choice(["", f"({self.names()}) ", "() "])
                clause += f"{self.choice(['group_left', 'group_right'])} {include}"
        simpler = [Node("v", "(", left, op, right, ")")] if clause else []
        return Node("v", "(", left, op, clause, right, ")", simpler=simpler)

    def label_function(self, depth):
        inner = self.vector(depth - 1)
        target, source = self.choice(LABELS[:-1] + ["new", "__name__"]), self.choice(LABELS)
        if self.chance(0.4):
            sources = ", ".join(f'"{l}"' for l in self.random.sample(LABELS, self.random.randrange(0, 4)))
            return Node("v", "label_join(", inner, f', "{target}", "{self.choice(["-", "", "/"])}"', ", " if sources else "", sources, ")")
        replacement = self.choice(["$1", "x", "", "${1}-$2", "$0", "pre_$1", "$name", "${name}_x", "$$1"])
        regex = self.choice(["(.*)", "(.)(.*)", "a(.*)", ".*", "", "(?P<name>.+)", "[a-c]|z.", "(x|api).*"])
        return Node("v", "label_replace(", inner, f', "{target}", "{replacement}", "{source}", "{regex}")')

    def histogram(self, depth):
        buckets = self.pick(
            (3, lambda: self.selector("latency_seconds_bucket")),
            (3, lambda: Node("v", "rate(", self.matrix(0, "latency_seconds_bucket"), ")")),
            (3, lambda: Node("v", f"sum by (le{self.choice(['', ', job', ', instance'])}) (", Node("v", "rate(", self.matrix(0, "latency_seconds_bucket"), ")"), ")")),
            (1, lambda: self.vector(depth - 1)),
        )
        if self.chance(0.3):
            bounds = self.choice(["0.1, 0.3", "0.2, 1.5", "0.1, 0.6", "1, +Inf", "0.5, 0.5", "2, 1", "NaN, 1", "-Inf, 2.5"])
            return Node("v", f"histogram_fraction({bounds}, ", buckets, ")")
        phi = Node("s", self.choice(["0.5", "0.9", "0.99", "0", "1", "-1", "2", "NaN"])) if self.chance(0.85) else self.scalar(depth - 1)
        return Node("v", "histogram_quantile(", phi, ", ", buckets, ")")

    def native(self, depth):
        """Native histograms."""
        metric = self.choice(NATIVE)
        if depth <= 0:
            return self.selector(metric)
        down = lambda: self.native(depth - 1)
        over_time = ["last_over_time", "sum_over_time", "avg_over_time", "present_over_time", "count_over_time", "changes", "resets"]
        return self.pick(
            (2, lambda: self.selector(metric)),
            (5, lambda: Node("v", self.choice(["rate", "rate", "increase", "delta", "irate", "idelta"]), "(", self.matrix(depth - 1, metric), ")")),
            (2, lambda: Node("v", self.choice(over_time), "(", self.matrix(depth - 1, metric), ")")),
            (5, lambda: Node("v", self.choice(["sum", "sum", "avg", "count", "group", "max"]), self.grouping(), "(", down(), ")")),
            (1, lambda: Node("v", "(", down(), self.choice([" * ", " / "]), self.scalar(depth - 1), ")")),
            (0.5, lambda: Node("v", "(", self.scalar(depth - 1), self.choice([" * ", " / ", " + "]), down(), ")")),
            (2, lambda: Node("v", "(", down(), self.choice([" + ", " - ", " + ", " - ", " == ", " != ", " == bool ", " * ", " > "]), down(), ")")),
            (1, lambda: Node("v", "-", down())),
        )

    def native_number(self, depth):
        """What is computed of a native histogram."""
        inner = self.native(depth - 1)
        name = self.choice(["histogram_quantile"] * 3 + ["histogram_fraction"] * 2 + [f"histogram_{part}" for part in ("avg", "count", "sum", "stddev", "stdvar")])
        first = ""
        if name == "histogram_quantile":
            first = self.choice(["0.5", "0.9", "0.99", "0", "1", "-1", "2", "NaN", "0.1"]) + ", "
        elif name == "histogram_fraction":
            first = self.choice(["0.1, 0.3", "-1, 1.5", "0, 0.6", "1, +Inf", "0.5, 0.5", "2, 1", "NaN, 1", "-Inf, 2.5", "-0.0001, 0.0001"]) + ", "
        return Node("v", name, "(", first, inner, ")")

    def query(self):
        """A query, mostly a vector."""
        depth = self.choice([1, 2, 2, 3, 3, 4])
        return self.pick(
            (90, lambda: self.vector(depth)),
            (5, lambda: self.scalar(depth)),
            (4, lambda: self.matrix(depth)),
            (0.5, self.string),
            (2, lambda: self.wrong(depth)),
            (3, lambda: self.broken(depth)),
        )

    def broken(self, depth):
        """A text from which something is missing, or in which something stands twice or in the wrong place."""
        text = self.vector(min(depth, 2)).text()
        words = re.findall(r'\w+|"[^"]*"|\s+|.', text)
        for _ in range(self.choice([1, 1, 2])):
            at, other = (self.random.randrange(len(words)) for _ in range(2))
            change = self.choice(["drop", "twice", "swap"])
            if change == "drop":
                words[at] = ""
            elif change == "twice":
                words[at] += words[at]
            else:
                words[at], words[other] = words[other], words[at]
        return Node("v", "".join(words))

    def wrong(self, depth):
        """Of the wrong type somewhere."""
        kinds = [lambda: self.scalar(depth - 1), lambda: self.matrix(depth - 1), lambda: self.vector(depth - 1), self.string]
        inner = self.choice(kinds)()
        other = self.choice(kinds)()
        heads = [("sum(", ")"), ("rate(", ")"), ("abs(", ")"), ("topk(", ", up)"), ("vector(", ")"), ("-", ""), ("absent(", ")"), ("count_values(", ", up)")]
        head, tail = self.choice(heads)
        if self.chance(0.5):
            return Node("v", head, inner, tail)
        return Node("v", inner, self.choice([" + ", " and ", " == ", " == bool ", " on (job) group_left "]), other)
