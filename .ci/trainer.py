#!/usr/bin/env python3
"""A GRPO trainer as its authors would write it: Python's prometheus_client and the documented metrics. Usage: trainer.py PORT"""
import random, sys, time
from prometheus_client import Counter, Gauge, Histogram, start_http_server

AGENT, JOB = ["agent_id"], ["agent_id", "job_id"]
JOBS = {
    kind: Counter(f"training_jobs_{kind}_total", text, AGENT)
    for kind, text in (
        ("created", "Total training jobs created"),
        ("completed", "Total jobs completed successfully"),
        ("failed", "Total jobs failed"),
        ("cancelled", "Total jobs cancelled"),
    )
}
ACTIVE = Gauge("training_jobs_active", "Number of currently active training jobs")
SECONDS = {
    what: Histogram(f"training_{what}_duration_seconds", text, AGENT, buckets=buckets)
    for what, text, buckets in (
        ("trajectory_generation", "Time to generate a trajectory", [1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0]),
        ("policy_update", "Time for a policy update", [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0]),
        ("iteration", "Time for a training iteration", [5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0]),
        ("checkpoint_save", "Time to save a checkpoint", [0.1, 0.5, 1.0, 2.0, 5.0, 10.0]),
    )
}
OF_JOB = {
    name: Gauge(f"training_{name}", name.replace("_", " "), JOB)
    for name in ("budget_usage_usd", "budget_limit_usd", "budget_utilization_percent", "iteration_current", "iteration_total", "loss", "reward_mean")
}

start_http_server(int(sys.argv[1]), addr="127.0.0.1")
step = 0
while True:
    step += 1
    for agent in ("agent-1", "agent-2"):
        for kind, every in (("created", 7), ("completed", 9), ("failed", 20), ("cancelled", 1000)):
            JOBS[kind].labels(agent).inc(step % every == 0)
        for what, histogram in SECONDS.items():
            histogram.labels(agent).observe(random.expovariate(0.2))
        values = (step / 2, 100, step / 2, step, 1000, float("nan") if step % 50 == 0 else 2 / step, step / 1000)
        for gauge, value in zip(OF_JOB.values(), values):
            gauge.labels(agent, "job-1").set(value)
    ACTIVE.set(1 + step % 3)
    time.sleep(1)
