#!/usr/bin/env python3
"""Rule files beside `promtool check rules`: files that it takes are taken, files that it refuses are refused, with its exit codes.

The files are some of our own, each with one thing wrong, and those of folders, whole and with random changes (the seed is fixed). What
promtool 2.42 refuses and Prometheus 3 takes (any UTF-8 as a name, numbers as durations) is left out. Usage:

    rule_files.py [--changes N] PROMLET PROMTOOL FOLDER...

Exits 1 when anything differs; prints one line per difference and `N passed, N failed`.
"""
import argparse, concurrent.futures, glob, os, random, re, subprocess, tempfile

options = argparse.ArgumentParser()
options.add_argument("--changes", type=int, default=150)
options.add_argument("promlet")
options.add_argument("promtool")
options.add_argument("folders", nargs="+")
options = options.parse_args()
programs = [os.path.abspath(options.promtool), os.path.abspath(options.promlet)]
NEWER = re.compile(r"invalid (recording rule|annotation|label) name|missing unit character in duration")
RULES = "groups:\n- name: g\n  rules:\n"
OWN = [
    "", "groups:\n", "groups: []\n", "groups: {}\n", "- a\n", "x: : :\n", "groups:\n- name: g\n  rules:\n", "scrape_configs: []\n",
    "groups:\n- rules: [{alert: a, expr: x}]\n", "groups:\n- name: g\n- name: g\n", "groups:\n- name: g\n  foo: 1\n", RULES + "  - [\n",
    RULES + "  - {record: a, expr: 'x +'}\n", RULES + "  - {alert: a, expr: rate(x)}\n", RULES + "  - {alert: a, record: b, expr: x}\n",
    RULES + "  - {expr: x}\n", RULES + "  - {record: a}\n", RULES + "  - {record: a, expr: x, for: 5m}\n", RULES + "  - {alert: a, expr: x, for: 5}\n",
    RULES + "  - {record: a, expr: x, annotations: {a: b}}\n", RULES + "  - {alert: a, expr: x, labels: {__name__: b}}\n",
    RULES + "  - {alert: a, expr: x, annotations: {s: '{{ $nope }}'}}\n", RULES + "  - {alert: a, expr: x, labels: {s: '{{ .Foo }'}}\n",
    RULES + "  - {record: a, expr: x}\n  - {record: a, expr: y}\n", RULES + "  - {alert: a, expr: 1, labels: {l: 010}}\n",
    RULES + "  - {alert: a, expr: x}\n---\nbroken: [\n",
]


def change(lines, chance):
    """One line more, less, moved, cut, or with other words."""
    kind, at = chance.randrange(10), chance.randrange(len(lines))
    line = lines[at]
    place = chance.randrange(len(line) + 1)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, line)
    elif kind == 2:
        lines[at] = " " + line
    elif kind == 3:
        lines[at] = line[1:]
    elif kind == 4:
        lines[at] = line[:place] + line[place + 1 :]
    elif kind == 5:
        lines[at] = line[:place] + chance.choice("{}()[]\":'|>#&*!,-%@$\t5ax") + line[place:]
    elif kind == 6:
        lines[at] = re.sub(r": .*", ": " + chance.choice(["", "null", "5", "[a]", "{a: b}", "~", "yes", "1m", "-1", "|", "> x"]), line, count=1)
    elif kind == 7:
        lines[at] = re.sub(r"\w+:", chance.choice(["for", "expr", "record", "alert", "labels", "name", "limit", "foo"]) + ":", line, count=1)
    elif kind == 8:
        lines[at] = line.replace("}}", "}", 1)
    else:
        lines[at] = line.replace("(", "", 1)


def texts():
    yield from OWN
    files = sorted(file for folder in options.folders for file in glob.glob(f"{folder}/*.yml"))
    whole = [open(file, encoding="utf-8").read() for file in files]
    yield from whole
    chance = random.Random(7)
    for _ in range(options.changes):
        lines = chance.choice(whole).split("\n")
        change(lines, chance)
        yield "\n".join(lines)


def judge(numbered):
    number, text = numbered
    path = f"{folder}/{number}.yml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    said = []
    for lint in ["--lint=none"], ["--lint=duplicate-rules", "--lint-fatal"]:
        theirs, ours = (subprocess.run([program, "check", "rules", *lint, path], capture_output=True, text=True) for program in programs)
        if theirs.returncode != ours.returncode and not NEWER.search(theirs.stdout + theirs.stderr):
            said.append(f"{number} {lint}: promtool {theirs.returncode}, ours {ours.returncode}\n{text[:400]}\n{theirs.stdout[-300:]}\n{ours.stdout[-300:]}")
    return said


with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
    every = list(enumerate(texts()))
    failed = [line for said in pool.map(judge, every) for line in said]
print("\n".join(failed) or "no differences")
print(f"{2 * len(every) - len(failed)} passed, {len(failed)} failed")
raise SystemExit(1 if failed else 0)
