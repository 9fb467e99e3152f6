"""The processes that are compared, their folder, and how they are asked."""
import http.client, os, shutil, signal, subprocess, sys, tempfile, time, urllib.parse

# Another run beside this one takes other ports.
PROMETHEUS = int(os.environ.get("ORACLE_PORT", "19301"))
PROMLET = PROMETHEUS + 1
P, Q = f"http://127.0.0.1:{PROMETHEUS}", f"http://127.0.0.1:{PROMLET}"


class Run:
    """A folder with both servers, and the count of what agreed."""

    def __init__(self, options):
        self.options = options
        self.work = tempfile.mkdtemp(prefix="oracle-")
        self.processes = {}
        self.passed = self.failed = 0

    def path(self, *names):
        return os.path.join(self.work, *names)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def start(self, name, *argv):
        log = open(self.path(name + ".log"), "a")
        self.processes[name] = subprocess.Popen(argv, stdout=log, stderr=log)

    def stop(self, name, how=signal.SIGTERM):
        process = self.processes.pop(name)
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            self.differs(name, f"did not end within 20 s of signal {how}")

    def ready(self, base):
        for _ in range(300):
            try:
                if get(base, "/-/ready", {})[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        sys.exit(f"{base} does not get ready: see {self.work}")

    def start_promlet(self, *more):
        self.start(
            "promlet", self.options.promlet, f"--config.file={self.path('q', 'prometheus.yml')}", f"--storage.tsdb.path={self.path('q', 'data')}",
            f"--web.listen-address=127.0.0.1:{PROMLET}", "--web.enable-remote-write-receiver", *more,
        )
        self.ready(Q)

    def start_prometheus(self, *more):
        self.start(
            "prometheus", self.options.prometheus, f"--config.file={self.path('p', 'prometheus.yml')}", f"--storage.tsdb.path={self.path('p', 'data')}",
            f"--web.listen-address=127.0.0.1:{PROMETHEUS}", "--log.level=warn", "--web.enable-remote-write-receiver", *more,
        )
        self.ready(P)

    def differs(self, what, why):
        self.failed += 1
        print(f"DIFFERS {what}: {why}", flush=True)

    def agrees(self, what, why):
        if why:
            self.differs(what, why)
        else:
            self.passed += 1


def run(options, main):
    """Runs `main(run)` and ends what it started; its truth is the exit code."""
    run, code = Run(options), 2
    try:
        code = int(main(run))
    finally:
        # Prometheus first, and at once: it would wait a minute for promlet to take what it forwards.
        for name in ("prometheus", *run.processes):
            if name in run.processes:
                run.stop(name, signal.SIGKILL if name == "prometheus" else signal.SIGTERM)
        if code == 0:
            shutil.rmtree(run.work, ignore_errors=True)
        else:
            print(f"logs and data: {run.work}")
    sys.exit(code)


connections = {}


def ask(base, method, path, body=None, headers={}):
    """Status and bytes, over a connection that stays open."""
    host = base.partition("://")[2]
    for again in (True, False):
        connection = connections.setdefault(base, http.client.HTTPConnection(host, timeout=60))
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, OSError):
            # The server may have closed it, or be another one by now.
            connections.pop(base).close()
            if not again:
                raise


def get(base, path, params):
    """Status and text of an answer."""
    query = urllib.parse.urlencode(params, doseq=True)
    status, body = ask(base, "GET", f"{path}?{query}" if query else path)
    return status, body.decode()
