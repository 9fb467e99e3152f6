#!/usr/bin/env python3
"""alertmanager.yml beside `amtool check-config`: files that it takes are taken, files that it refuses are refused.

The files are those of `tests/config/judged/alertmanager.txt`, of a folder, and some with broken templates, which promlet alone
refuses: with file, line and field. Usage:

    alertmanager_files.py PROMLET AMTOOL FOLDER

Exits 1 when anything differs; prints one line per difference and `N passed, N failed`.
"""
import concurrent.futures, glob, os, re, subprocess, sys, tempfile

promlet, amtool, folder = (os.path.abspath(path) for path in sys.argv[1:4])
here = os.path.dirname(os.path.abspath(__file__))
SLACK = "route: {receiver: r}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: http://s\n    send_resolved: true\n    %s\n"
BROKEN = {
    "title: '{{ .Status'": "title",
    "text: '{{ .Nope }}'": "text",
    "fields: [{title: a, value: '{{ (index .Alerts.Firing 0).Status }}'}]": "value",
    "footer: '{{ template \"mine\" . }}'": "footer",
    "pretext: '{{ toUpper 5 }}'": "pretext",
}


def judged():
    text = open(f"{here}/../tests/config/judged/alertmanager.txt").read()
    for part in text.split("### ")[1:]:
        head, body = part.split("\n", 1)
        yield head, body


def verdict(command, path):
    done = subprocess.run([*command, path], capture_output=True, text=True, timeout=30)
    return done.returncode == 0, done.stdout + done.stderr


def judge(case):
    """What is wrong, or nothing."""
    head, path, field = case
    theirs, said = verdict([amtool, "check-config"], path)
    ours, told = verdict([promlet, "check", "alertmanager"], path)
    if field:
        place = re.search(rf":7:\d+: .*\"{field}\"", told)
        return None if theirs and not ours and place else f"{head}: not refused with its place: {told[:200]}"
    if head.startswith("stricter"):
        return None if theirs and not ours else f"{head}: amtool {theirs}, promlet {ours}"
    return None if theirs == ours else f"{head}: amtool {'takes' if theirs else 'refuses'} it: {said[-200:]}\n  promlet: {told[:300]}"


with tempfile.TemporaryDirectory(prefix="alertmanager-") as root:
    cases = [(os.path.basename(path), path, None) for path in sorted(glob.glob(f"{folder}/*.yml"))]
    texts = [(head, body, None) for head, body in judged()] + [(line, SLACK % line, field) for line, field in BROKEN.items()]
    for place, (head, body, field) in enumerate(texts):
        path = f"{root}/{place}.yml"
        open(path, "w").write(body)
        cases.append((head, path, field))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        failed = [wrong for wrong in pool.map(judge, cases) if wrong]
for wrong in failed:
    print(wrong)
print(f"{len(cases) - len(failed)} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
