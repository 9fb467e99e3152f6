"""Whether two answers of the API are the same; what 3.14 changed since the 3.5.3 that is asked is listed here, with the reason."""
import collections, json, math, re

import histograms

# How often each of `CHANGED` was met.
met = collections.Counter()

# Words: (kind, pattern, what stands for it; None leaves the line out, reason).
CHANGED_WORDS = [
    ("infos", r"(needed to be fixed for monotonicity).*", r"\1", "3.14 adds bounds, difference, samples and times"),
    ("warnings", r' for metric name ""', "", "3.14 leaves out a name that is empty"),
    ("infos", r"(has NaN observations, [^(\"]*?)( for metric name \".*\")? \(.*\)", r"\1", "3.14 names the metric, and places the note at the histograms"),
    ("infos", r".*mismatched custom buckets were reconciled.*", None, "what is only asked for count or sum, 3.5 reads without its buckets"),
    ("warnings", r".*conflicting counter resets during histogram.*", None, "3.14 warns where only some of the histograms follow a reset"),
    ("warnings", r".*is ineffective for range queries.*", None, "3.14 warns of sort in a range query"),
]
# Answers that 3.14 has where 3.5 has an error: (pattern of the query, of the error, reason).
CHANGED_ANSWERS = [
    (r" @ ", r"Scalar value NaN overflows int64", "in a range query 3.5 lets the fixed time of a parameter like topk's move with the step; here it is fixed as everywhere"),
    (r"", r"vector cannot contain metrics with the same labelset", "3.14 merges series with equal labels that have no step in common (functions.test, label_replace; operators.test, negation)"),
]
# Errors that 3.14 has where 3.5 has an answer, or other words: (pattern of the new one, reason).
CHANGED_ERRORS = [
    (r"in (subquery or range selector, expected number, duration, step\(\), or range\(\)|offset, expected )", "3.14 allows more in brackets, and says so"),
    (r"Parameter value is NaN|Scalar value \S+ (under|over)flows int64", "3.14 refuses a k that is no number even where nothing is selected (aggregators.test, topk(NaN, non_existent))"),
    (r'bad number or duration syntax: "0\.\.', "3.5 takes 0..5 for a number at first, and refuses it later"),
    (r"duration out of range", "3.14 takes Inf and NaN in brackets for the numbers they are"),
    (r"multiple matches for labels", "since 3.9 matching fails for pairs, too, that a comparison then filters out"),
]
# Answers that are not compared further: (pattern of a note of 3.5, of one of 3.14, reason).
CHANGED_NOTES = [
    (
        r"incompatible custom buckets|conflicting custom buckets", r"mismatched custom buckets were reconciled",
        "3.5 drops custom buckets with different bounds; 3.14 reduces them to the bounds that they share",
    ),
    (
        "has NaN observations, result is skewed", "has NaN observations, result is skewed",
        "where there are observations of NaN, 3.5 may leave the bucket that it found; 3.14 stays within (native_histograms.test, histogram_nan)",
    ),
]
# Values: (name, pattern of the query, test of both values, reason).
CHANGED_VALUES = [
    (
        "fraction in the lowest bucket", r"histogram_fraction", lambda old, new: math.isnan(old),
        "3.5 interpolates from -Inf, which gives NaN, where a bound lies within the lowest classic bucket; 3.14 lets that bucket "
        "start at 0, as histogram_quantile does (histograms.test, positive_buckets_lower_falls_in_the_first_bucket)",
    ),
    (
        "a timestamp with both @ and offset", r"timestamp\(.*( @ .* offset | offset .* @ )", lambda old, new: True,
        "3.5 forgets the offset of an @ inside timestamp(); the documentation has @ and offset together mean the same everywhere",
    ),
    (
        "changes of native histograms", r"changes\(.*native", lambda old, new: old > new,
        "3.5 counts a change between equal histograms where its chunks hold them with other empty buckets",
    ),
    (
        "quantiles of negative counts", r"histogram_(quantile|fraction)\(.*-.*native", lambda old, new: True,
        "where counts are negative, 3.5's answer hangs on the empty buckets of its chunks",
    ),
    (
        "deviations of large values", r"stdvar|stddev", lambda old, new: abs(old - new) <= 1e-6 * max(abs(old), abs(new)),
        "the plain Welford method of both depends on the order of the series in its last digits",
    ),
    (
        "median deviation with NaN", r"mad_over_time", lambda old, new: math.isnan(new),
        "3.14 gives NaN where a sample is NaN (functions.test, metric_nan); 3.5 leaves it out",
    ),
]


# Queries of which values that differ are not counted: (pattern, reason).
CHANGED_HISTOGRAMS = [
    (
        r"(rate|increase)\(+(native_gauge|native_mixed|\{)",
        "3.14 lets no rate of histograms begin below zero; and where only sum or count are asked for, 3.5 looks for resets without buckets",
    ),
]


def report():
    for name, times in sorted(met.items()):
        print(f"-- changed since 3.5, met {times} times: {name}")


def close(a, b):
    a, b = float(a), float(b)
    return (math.isnan(a) and math.isnan(b)) or a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def same(query, old, new):
    """Equal, or changed since 3.5."""
    if close(old, new):
        return True
    for name, pattern, test, _ in CHANGED_VALUES:
        if re.search(pattern, query) and test(float(old), float(new)):
            met[name] += 1
            return True
    return False


def notes(answer, kind):
    """Annotations in the words of the 3.5.3 that is asked; ours are those of 3.14."""
    found = set(answer.get(kind, []))
    for of, pattern, instead, reason in CHANGED_WORDS:
        # Which of several values out of range is named hangs on how often a parameter is evaluated, and its digits on the library.
        found = {re.sub(r"(should be between \S+ and 1, got) \S+", r"\1", note) for note in found}
        changed = {note for note in found if of == kind and re.search(pattern, note)}
        met[reason] += len(changed)
        found = found - changed | {re.sub(pattern, instead, note) for note in changed if instead is not None}
    return found


# Words of errors that are not compared: (pattern, what stands for it).
LOOSE_ERRORS = [
    # Which of several duplicate series Prometheus names depends on the order in which its head, or its hash map, holds them.
    (r"match group \{.*\} on the", "match group {} on the"),
    (r"operation: \[\{.*\}, \{.*\}\];many", "operation: [two of them];many"),
    # 3.5 loses count of closing parentheses where a matching clause stands within the left side.
    (r"\d+:\d+(: parse error: label .* must not occur in ON and GROUP clause at once)", r"\1"),
    # 3.5 has no word for the token, only its number.
    (r'"<Item \d+>" <op:@>', '"@"'),
]


def words(answer):
    error = answer["error"]
    for pattern, instead in LOOSE_ERRORS:
        error = re.sub(pattern, instead, error)
    return answer["errorType"], error


def difference(query, one, two):
    (status, a), (status_too, b) = ((status, json.loads(body or "{}")) for status, body in (one, two))
    for pattern, reason in CHANGED_ERRORS:
        if b.get("status") == "error" and re.search(pattern, b["error"]):
            met[reason] += 1
            return None
    for asked, pattern, reason in CHANGED_ANSWERS:
        if a.get("status") == "error" and b.get("status") == "success" and re.search(asked, query) and re.search(pattern, a["error"]):
            met[reason] += 1
            return None
    every_note = lambda answer: " ".join([*answer.get("warnings", []), *answer.get("infos", [])])
    for old, new, reason in CHANGED_NOTES:
        if re.search(old, every_note(a)) and (re.search(new, every_note(b)) or b["status"] == "error"):
            met[reason] += 1
            return None
    if a.get("status") != b.get("status") or status != status_too:
        return f"{status} {a.get('error', a.get('status'))} / {status_too} {b.get('error', b.get('status'))}"
    if a["status"] == "error":
        return None if words(a) == words(b) else f"{words(a)} / {words(b)}"
    for kind in ("warnings", "infos"):
        # Of more than ten Prometheus shows any ten.
        many = lambda answer: any("annotations omitted" in note for note in answer.get(kind, []))
        # Between the windows of a subquery that are far apart Prometheus evaluates, too, though nothing is used.
        skipped = re.search(r"\[[^\]]*:", query) and notes(b, kind) <= notes(a, kind)
        if notes(a, kind) != notes(b, kind) and not skipped and not (many(a) and many(b)):
            return f"{kind} {a.get(kind)} / {b.get(kind)}"
    a, b = a["data"], b["data"]
    if a["resultType"] != b["resultType"]:
        return f"{a['resultType']} / {b['resultType']}"
    if a["resultType"] in ("scalar", "string"):
        alike = same(query, a["result"][1], b["result"][1]) if a["resultType"] == "scalar" else a["result"] == b["result"]
        return None if alike and a["result"][0] == b["result"][0] else f"{a['result']} / {b['result']}"
    return series_differ(query, a["resultType"], a["result"], b["result"])


def series_differ(query, kind, x, y):
    # count_values makes labels of values, whose last digits hang on the library for mathematics.
    rounded = lambda text: re.sub(r"-?\d+\.\d+(e[+-]?\d+)?", lambda m: f"{float(m.group()):.7g}", text)
    key = lambda s: (rounded if "count_values" in query else str)(json.dumps(s["metric"], sort_keys=True))
    # A matrix is sorted by labels; a vector has an order only where the query gives it one, and ties have none.
    if "count_values" in query:
        x, y = sorted(x, key=key), sorted(y, key=key)
    elif kind == "vector":
        if re.match(r"(sort|sort_desc|topk|bottomk)\(", query):
            one, two = ([s["value"][1] for s in side if "value" in s] for side in (x, y))
            if not all(same(query, a, b) for a, b in zip(one, two)):
                return f"order: {one[:9]} / {two[:9]}"
        x, y = sorted(x, key=key), sorted(y, key=key)
    if re.search(r"timestamp\(.*( @ .* offset | offset .* @ )", query) and len(x) != len(y):
        met["a timestamp with both @ and offset"] += 1
        return None
    if [key(s) for s in x] != [key(s) for s in y]:
        if re.search("topk|bottomk", query) and equal_values(x, y):
            met["which of equal values topk picks hangs on the order of its input"] += 1
            return None
        only, only_too = ({key(s) for s in p} - {key(s) for s in q} for p, q in ((x, y), (y, x)))
        return f"{len(x)} / {len(y)} series, {sorted(only)[:1]} / {sorted(only_too)[:1]}" if only or only_too else "other order of series"
    for s, t in zip(x, y):
        for what in ("value", "histogram"):
            v, w = points(s, what), points(t, what)
            if [p[0] for p in v] != [p[0] for p in w]:
                return f"other times in {key(s)}: {len(v)} / {len(w)} {what}s, {sorted({p[0] for p in v} ^ {p[0] for p in w})[:3]}"
            for (at, one), (_, two) in zip(v, w):
                why = histograms.difference(one, two, close) if what == "histogram" else None if same(query, one, two) else f"{one} / {two}"
                reason = next((reason for pattern, reason in CHANGED_HISTOGRAMS if why and re.search(pattern, query)), None)
                if reason:
                    met[reason] += 1
                    return None
                if why:
                    return f"{key(s)} at {at}: {why}"
    return None


def points(series, what):
    """The floats or the histograms of an instant or of a range."""
    return series.get(what + "s") or ([series[what]] if what in series else [])


def equal_values(x, y):
    """Whether both hold the same values at each time, under whichever labels."""
    floats = lambda side: sorted((p[0], f"{float(p[1]):.9g}") for s in side for p in points(s, "value"))
    return floats(x) == floats(y)


def shape_difference(one, two):
    """Of `format_query` and `parse_query`; the tree of 3.14 has fields that 3.5 does not know."""
    def known(node):
        if isinstance(node, dict):
            return {k: known(v) for k, v in node.items() if k not in ("fillValues", "anchored", "smoothed")}
        return [known(n) for n in node] if isinstance(node, list) else node

    a, b = (json.loads(body) for _, body in (one, two))
    if a["status"] == b["status"] == "error":
        changed = any(re.search(pattern, b["error"]) for pattern, _ in CHANGED_ERRORS)
        return None if changed or words(a) == words(b) else f"{words(a)} / {words(b)}"
    if isinstance(b.get("data"), str) and re.search(r"ignoring \(\)\s+group_", b["data"]):
        return None  # 3.5 leaves out group_left where no label is ignored; 3.14 prints it
    if isinstance(a.get("data"), str) and re.sub(r"\d+ms", "", a["data"]) == re.sub(r"\d+ms", "", b["data"]):
        return None  # of a duration that stands for a number 3.5 prints a millisecond less than it holds
    return None if one[0] == two[0] and known(a.get("data")) == known(b.get("data")) else f"{one[1][:900]} / {two[1][:900]}"


def plain_difference(sort, one, two):
    """Of endpoints without samples; `sort` where the order means nothing."""
    if one == two:
        return None
    a, b = (json.loads(body) if body.startswith("{") else body for _, body in (one, two))
    if isinstance(a, str) or isinstance(b, str) or one[0] != two[0] or a.get("status") != b.get("status"):
        return f"{one[0]} {one[1][:300]!r} / {two[0]} {two[1][:300]!r}"
    if a["status"] == "error":
        return None if (a["error"], a["errorType"]) == (b["error"], b["errorType"]) else f"{a['error']} / {b['error']}"
    x, y = a.get("data"), b.get("data")
    if sort and isinstance(x, list):
        x, y = (sorted(v, key=lambda e: json.dumps(e, sort_keys=True)) for v in (x, y))
    if x == y and a.get("warnings") == b.get("warnings"):
        return None
    if isinstance(x, list) and isinstance(y, list):
        only, only_too = ([e for e in p if e not in q] for p, q in ((x, y), (y, x)))
        return f"{len(x)} / {len(y)} entries, {only[:2]} / {only_too[:2]}"
    if isinstance(x, dict) and isinstance(y, dict):
        other = [k for k in sorted({*x, *y}) if x.get(k) != y.get(k)]
        return f"{other[:5]}: {str(x.get(other[0]))[:200]} / {str(y.get(other[0]))[:200]}" if other else "warnings"
    return f"{x} / {y}"


