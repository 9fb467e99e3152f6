#!/usr/bin/env python3
"""Two demos on one machine, the second begun while the first still writes its past: both work, on ports of their own.

    demos.py [--port N] PROMLET

Both ask for the same port. Each must become ready, scrape its own three targets, and say the other's addresses nowhere.
"""
import argparse, json, os, re, signal, subprocess, sys, tempfile, time, urllib.request

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, default=19360)
options.add_argument("promlet")
options = options.parse_args()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def until(what, look, seconds=60):
    error = None
    for _ in range(seconds * 5):
        try:
            found = look()
            if found:
                return found
        except (OSError, ValueError, KeyError) as problem:
            error = problem
        if any(demo.poll() is not None for demo in demos):
            break
        time.sleep(0.2)
    for log in logs:
        print(open(log.name).read()[-1500:])
    sys.exit(f"{what}: not within {seconds} s ({error})")


def healthy(url):
    targets = json.loads(get(f"{url}/api/v1/targets"))["data"]["activeTargets"]
    return {t["scrapeUrl"] for t in targets} if len(targets) == 3 and all(t["health"] == "up" for t in targets) else None


logs = [tempfile.NamedTemporaryFile("w", suffix=".log") for _ in range(2)]
demos, pages = [], []
try:
    for log in logs:
        demos.append(subprocess.Popen([os.path.abspath(options.promlet), "demo", f"--web.listen-address=127.0.0.1:{options.port}"], stdout=log, stderr=log))
        address = lambda: re.search(r"pages +(http://[\d.:]+)", open(log.name).read())
        pages.append(until("the address of the pages", address).group(1))
    for url in pages:
        until(f"{url} ready", lambda: get(f"{url}/-/ready"))
    scraped = [until(f"three targets up at {url}", lambda: healthy(url)) for url in pages]
    good = pages[0] != pages[1] and not scraped[0] & scraped[1]
    print(f"{pages[0]} and {pages[1]}, each with three targets of its own" if good else f"{pages} share targets: {scraped}")
finally:
    for demo in demos:
        demo.send_signal(signal.SIGTERM)
    for demo in demos:
        demo.wait(30)
sys.exit(not good)
