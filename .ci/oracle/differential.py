#!/usr/bin/env python3
"""Differential test: generated queries over generated series, asked of Prometheus and of promlet, instant and range.

Series after series and point after point must agree, errors in type and words, annotations in text. A query that disagrees is
shrunk, and printed with a `.test` case that begins from the samples it needs. The same seed asks the same queries. Usage:

    differential.py [--queries N] [--seed S] [--base SECONDS] [--printed FOLDER]... PROMLET PROMETHEUS

Exits 1 when an answer differs.
"""
import argparse, random, re, time

import answers, literals, printed, series, servers
from answers import difference
from grammar import METRICS, Grammar
from servers import P, Q, get

STEPS = [1, 7, 15, 37, 60, 0.333, 120]
# Differences that are shrunk and printed whole; the others are counted.
SHRUNK_MAX = 12
# Tries of one shrinking.
TRIES_MAX = 400


class Question:
    """A query with its times, in milliseconds from the beginning of the data."""

    def __init__(self, node, times):
        self.node, self.times = node, times

    def text(self, base):
        return self.node.text(base)

    def call(self, base):
        seconds = [f"{(t + base) / 1000:.3f}" for t in self.times[:2]]
        query = self.text(base)
        if len(self.times) == 1:
            return "/api/v1/query", dict(query=query, time=seconds[0])
        return "/api/v1/query_range", dict(query=query, start=seconds[0], end=seconds[1], step=f"{self.times[2] / 1000:.3f}")

    def smaller(self):
        for node in self.node.smaller():
            yield Question(node, self.times)
        if len(self.times) == 3:
            start, end, step = self.times
            if end - start > step:
                half = (end - start) // (2 * step) * step
                yield Question(self.node, (start + half + step, end, step))
                yield Question(self.node, (start, start + half, step))
            yield Question(self.node, (end,))
            yield Question(self.node, (start,))

    def cost(self):
        return (self.node.size(), len(self.times), (self.times[1] - self.times[0]) // self.times[2] if len(self.times) == 3 else 0)


def questions(seed, count):
    """The stream of a seed."""
    rnd = random.Random(seed)
    grammar = Grammar(rnd, series.LENGTH)
    for _ in range(count):
        node = grammar.query()
        yield Question(node, (rnd.randrange(60_000, series.LENGTH + 360_000, 250),))
        if node.kind in "vs":
            step = int(rnd.choice(STEPS) * 1000)
            start = rnd.randrange(0, series.LENGTH, 250)
            yield Question(node, (start, start + step * rnd.randrange(0, 25) + rnd.choice([0, 0, step // 2]), step))


def verdict(question, base):
    """What differs, if anything; and Prometheus's answer."""
    path, params = question.call(base)
    two = get(Q, path, params)
    # Which of equal values topk picks hangs on the order of its input, which Prometheus shuffles; counts are mostly equal.
    if re.search("(topk|bottomk).*count_values", params["query"]):
        return None, two
    for _ in range(12 if re.search("topk|bottomk", params["query"]) else 1):
        one = get(P, path, params)
        why = difference(params["query"], one, two)
        if not why:
            break
    return why, one


def shapes(run, question, base):
    """Whether both print the query alike, and read it alike."""
    query = question.text(base)
    for path in ("/api/v1/format_query", "/api/v1/parse_query"):
        why = answers.shape_difference(get(P, path, dict(query=query)), get(Q, path, dict(query=query)))
        run.agrees(f"{path} {query}", why)


def spelt(run, seed, count):
    """Whether both read and print literals alike."""
    for path, query in literals.queries(random.Random(seed), count):
        one, two = (get(base, f"/api/v1/{path}", dict(query=query, time=0)) for base in (P, Q))
        same = difference(query, one, two) if path == "query" else answers.shape_difference(one, two)
        run.agrees(f"{path} {query!r}", same)


def shrunk(question, base, tries=TRIES_MAX):
    why = verdict(question, base)[0]
    while tries > 0:
        for smaller in question.smaller():
            tries -= 1
            found = smaller.cost() < question.cost() and verdict(smaller, base)[0]
            if found:
                question, why = smaller, found
                break
            if tries <= 0:
                break
        else:
            break
    return question, why


def main(run):
    options = run.options
    base = int(options.base * 1000)
    nothing = "global: {scrape_interval: 1m, evaluation_interval: 1m}\n"
    run.write("p/prometheus.yml", nothing)
    run.write("q/prometheus.yml", nothing)
    features, forever = "--enable-feature=promql-experimental-functions", "--storage.tsdb.retention.time=100y"
    # Arithmetic on durations is always on since 3.14.
    run.start_prometheus(features + ",promql-duration-expr,native-histograms", forever)
    run.start_promlet(features + ",promql-extended-range-selectors,promql-binop-fill-modifiers", forever)
    data = series.generate(random.Random(options.seed))
    bodies = list(series.requests(data, base))
    for url in (P, Q):
        series.send(url, bodies)
    if options.hold:
        input("both are up; Enter ends them\n")
        return False
    began, reported = time.time(), set()
    for question in questions(options.seed, options.queries):
        why = verdict(question, base)[0]
        if not why:
            run.passed += 1
            if len(question.times) == 1:
                shapes(run, question, base)
            continue
        run.failed += 1
        if len(reported) >= SHRUNK_MAX:
            continue
        small, why = shrunk(question, base)
        if (small.text(base), len(small.times)) in reported:
            continue
        reported.add((small.text(base), len(small.times)))
        print(f"DIFFERS {small.text(base)}  at {small.times}: {why}\n   from {question.text(base)}", flush=True)
        if options.cases:
            names = {name.strip('"') for name in METRICS if name.strip('"') in small.text()}
            until = max(small.times[:2])
            print(series.load(data, names, until))
            at = f"instant at {small.times[0]}ms" if len(small.times) == 1 else "range from {}ms to {}ms step {}ms".format(*small.times)
            print(f"\neval {at} {small.text()}\n{verdict(small, base)[1]}")
    spelt(run, options.seed, options.queries // 5)
    printed.compare(run, options.printed)
    answers.report()
    print(f"{run.passed} passed, {run.failed} failed, seed {options.seed}, {time.time() - began:.0f} s")
    return run.failed > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--base", type=float, default=1_700_000_000)
    parser.add_argument("--cases", action="store_true", help="print the samples of each case")
    parser.add_argument("--printed", action="append", default=[], help="a folder of test files, dashboards and rules, whose expressions are printed and read")
    parser.add_argument("--hold", action="store_true", help="ask nothing, keep the servers until Enter")
    for name in ("promlet", "prometheus"):
        parser.add_argument(name)
    servers.run(parser.parse_args(), main)
