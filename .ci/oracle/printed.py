"""Expressions out of test files, dashboards and rules, each printed and read back by both, and by promlet once more from its own text."""
import json, os, re

import answers
from servers import P, Q, get

# What 3.5 does not know: (pattern, since when).
NEW_SYNTAX = [
    (r"\b(anchored|smoothed)\b", "extended range selectors came with 3.7"),
    (r"\bfill(_left|_right)?\s*\(", "fill came with 3.10"),
    (r"</|>/", "trims of histograms came with 3.11"),
    (r"\b(step|range|start|end|min_of|max_of|first_over_time|ts_of_first_over_time|histogram_quantiles|start_timestamp)\s*\(", "functions of later than 3.5"),
    (r"offset\s*-?\s*\(", "an expression in parentheses behind offset"),
]


def of_test(text):
    """Of a `.test` file."""
    yield from re.findall(r"^eval\S*\s+(?:instant at \S+|range from \S+ to \S+ step \S+)\s+(.+)$", text, re.M)


def of_dashboard(text):
    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("expr"), str):
                yield node["expr"]
            node = list(node.values())
        if isinstance(node, list):
            for inner in node:
                yield from walk(inner)

    for expr in walk(json.loads(text)):
        expr = re.sub(r"\$(__rate_interval|__interval|aggregation_interval)", "5m", expr)
        yield re.sub(r"\$\{?\w+(:\w+)?\}?", "x", re.sub(r"([(,]\s*)\$quantile", r"\g<1>0.9", expr))


def of_rules(text):
    """`expr` of a YAML file: on one line, in quotes, or a block further in."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        found = re.match(r"^(\s*(?:- )?)expr:\s*(.*)$", line)
        if not found:
            continue
        depth, first = len(found[1]), found[2].strip()
        block = []
        for more in lines[at + 1 :]:
            if more.strip() and len(more) - len(more.lstrip()) <= depth:
                break
            block.append(more)
        if re.match(r"[|>][-+0-9]*$", first):
            yield "\n".join(block)
        elif first[:1] == "'":
            yield "\n".join([first, *block]).strip()[1:-1].replace("''", "'")
        elif first[:1] == '"':
            yield json.loads(first)
        else:
            yield "\n".join([first, *block])


def expressions(folders):
    readers = {".test": of_test, ".json": of_dashboard, ".yml": of_rules, ".yaml": of_rules}
    for folder in folders:
        for where, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                reader = readers.get(os.path.splitext(name)[1])
                if reader:
                    with open(os.path.join(where, name), encoding="utf-8", errors="replace") as f:
                        text = f.read()
                    for query in reader(text) if reader is not of_rules or "expr:" in text else []:
                        yield name, query


def compare(run, folders):
    seen = set()
    for name, query in expressions(folders):
        if query in seen:
            continue
        seen.add(query)
        ask = lambda base, path, text=query: get(base, f"/api/v1/{path}", dict(query=text))
        one, two = ask(P, "format_query"), ask(Q, "format_query")
        if one[0] != 200 and two[0] == 200 and any(re.search(pattern, query, re.I) for pattern, _ in NEW_SYNTAX):
            answers.met["syntax that 3.5 does not know"] += 1
        else:
            run.agrees(f"format_query of {name}: {query}", answers.shape_difference(one, two))
            run.agrees(f"parse_query of {name}: {query}", answers.shape_difference(ask(P, "parse_query"), ask(Q, "parse_query")))
        if two[0] == 200:
            again = ask(Q, "format_query", json.loads(two[1])["data"])
            run.agrees(f"format_query of what it printed, {name}: {query}", None if again == two else f"{two[1]} / {again[1]}")
    print(f"{len(seen)} expressions of files, printed and read")
