#!/usr/bin/env python3
"""Passwords, certificates, tokens and proxies: what Prometheus does with them, promlet does.

The same files of --web.config.file stand before both servers and are changed while they run; each request's status, protocol and headers
are compared, and which files keep a server from starting. Then both scrape a page that wants a token of OAuth 2.0, and a
recorder compares what the token's server and the page were asked. Last, alerts go over TLS with passwords: from promlet through a proxy to a
real Alertmanager, and from Prometheus to promlet. Usage:

    protected.py [--port N] PROMLET PROMETHEUS ALERTMANAGER

Exits 1 when anything differs; prints one line per difference and `N passed, N failed`.
"""
import argparse, base64, concurrent.futures, http.server, json, os, shutil, socket, signal, subprocess, sys, tempfile, threading, time, urllib.parse, urllib.request

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, default=19700)
options.add_argument("promlet")
options.add_argument("prometheus")
options.add_argument("alertmanager")
options = options.parse_args()
PROMLET, PROMETHEUS, ALERTMANAGER = (os.path.abspath(path) for path in (options.promlet, options.prometheus, options.alertmanager))
TLS = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "tests", "tls"))
FOLDER = tempfile.mkdtemp(prefix="protected-")
P, Q, A, EAR, PROXY = range(options.port, options.port + 5)
# "correct horse", at bcrypt's lowest cost.
HORSE = "$2b$04$ABCDEFGHIJKLMNOPQRSTUu6C6jEMz4jEJoFRTrM10b9xHpc.SH9E6"
PATIENCE = 20
passed, failed, processes = 0, [], []
tokens, pages, tunnels, lock = {"p": [], "q": []}, {"p": [], "q": []}, [], threading.Lock()


def same(what, theirs, ours):
    global passed
    if theirs == ours:
        passed += 1
        return
    failed.append(what)
    print(f"== {what}\n   peer    {theirs}\n   promlet {ours}")


def write(name, text):
    path = os.path.join(FOLDER, name)
    with open(path + ".new", "w") as out:
        out.write(text)
    os.rename(path + ".new", path)
    return path


def start(name, *command):
    log = open(os.path.join(FOLDER, f"{name}.log"), "w")
    processes.append(subprocess.Popen(command, cwd=FOLDER, stdout=log, stderr=log))
    return processes[-1]


def server(who, config, web):
    """Prometheus (p) or promlet (q), with its own folder."""
    program, port = {"p": (PROMETHEUS, P), "q": (PROMLET, Q)}[who]
    return start(who, program, f"--config.file={config}", f"--storage.tsdb.path={FOLDER}/{who}-data", f"--web.listen-address=127.0.0.1:{port}", f"--web.config.file={web}")


def stop(*which):
    for process in which:
        process.send_signal(signal.SIGTERM)
    for process in which:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        processes.remove(process)


def wait(what, condition):
    deadline = time.time() + PATIENCE
    while time.time() < deadline:
        try:
            if condition():
                return True
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(0.1)
    failed.append(what)
    print(f"== {what}: not within {PATIENCE} s")
    return False


def curl(port, *arguments, path="/-/healthy"):
    """Status, some headers and the body of what is no success. Prometheus as Debian builds it offers no HTTP/2: versions are not compared."""
    scheme = "http" if "plain" in arguments else "https"
    command = ["curl", "-sS", "-i", "--max-time", "10", "--cacert", f"{TLS}/authority.pem", *(a for a in arguments if a != "plain"), f"{scheme}://localhost:{port}{path}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return "refused"
    head, _, body = done.stdout.replace("\r", "").partition("\n\n")
    lines = head.split("\n")
    kept = ("www-authenticate", "x-frame-options", "x-content-type-options", "strict-transport-security", "content-security-policy", "x-xss-protection")
    headers = sorted(line.lower() for line in lines[1:] if line.lower().startswith(kept))
    return lines[0].split()[1], headers, "" if lines[0].split()[1] == "200" else body


def protocol(port, *arguments):
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_version}", "--cacert", f"{TLS}/authority.pem", *arguments, f"https://localhost:{port}/-/healthy"], capture_output=True, text=True)
    return done.stdout


def both(what, *arguments, path="/-/healthy"):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        theirs, ours = pool.map(lambda port: curl(port, *arguments, path=path), (P, Q))
    same(f"{what}: curl {' '.join(arguments)} {path}", theirs, ours)
    return ours


def certificate(name):
    return ["--cert", f"{TLS}/{name}.pem", "--key", f"{TLS}/{name}.key"]


def web(tls="", more=""):
    text = f"tls_server_config:\n  cert_file: {TLS}/host.pem\n  key_file: {TLS}/host.key\n"
    return text + "".join(f"  {line}\n" for line in tls.split("; ") if line) + more


USERS = f"basic_auth_users: {{me: '{HORSE}', you: '{HORSE}'}}\n"
HEADERS = "http_server_config: {headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=60, Content-Security-Policy: default-src, X-XSS-Protection: '1'}}\n"
GOOD = ["-u", "me:correct horse"]


def passwords():
    file = write("web.yml", USERS + HEADERS)
    config = write("empty.yml", "global: {}\n")
    servers = [server(who, config, file) for who in "pq"]
    wait("both answer", lambda: all(curl(port, "plain", *GOOD) != "refused" for port in (P, Q)))
    for path in ("/-/healthy", "/-/ready", "/metrics", "/api/v1/query?query=1", "/api/v1/none", "/none", "/api/v1/status/buildinfo"):
        both("no password", "plain", path=path)
        both("wrong password", "plain", "-u", "me:wrong", path=path)
    for login in ("me:correct horse", "you:correct horse", "nobody:correct horse", "me:", ":", "me:correct horse "):
        both("login", "plain", "-u", login)
    for header in ("Bearer x", "Basic x", "Basic", f"bAsIc {base64.b64encode(b'me:correct horse').decode()}", "Basic bm9jb2xvbg=="):
        both("header", "plain", "-H", f"Authorization: {header}")
    both("preflight", "plain", "-X", "OPTIONS", "-H", "Origin: http://x", path="/api/v1/query")
    both("post", "plain", "-X", "POST", path="/-/reload")
    write("web.yml", HEADERS)
    both("without users", "plain")
    write("web.yml", "basic_auth_users: [\n")
    both("a broken file", "plain", *GOOD)
    os.remove(file)
    both("no file", "plain", *GOOD)
    stop(*servers)


def certificates():
    file = write("web.yml", web())
    servers = [server(who, os.path.join(FOLDER, "empty.yml"), file) for who in "pq"]
    wait("both answer with TLS", lambda: all(curl(port) != "refused" for port in (P, Q)))
    versions = [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3"]]
    same("HTTP/2 is agreed on, HTTP/1.1 where it is asked for", ("2", "1.1"), (protocol(Q), protocol(Q, "--http1.1")))
    both("default")
    both("without TLS", "plain", "--http0.9")
    both("query", path="/api/v1/query?query=1")
    write("web.yml", web(more=USERS + HEADERS))
    for login in ([], GOOD, ["-u", "me:wrong"]):
        both("TLS and password", *login)
        both("TLS and password", "--http1.1", *login)
    for tls in ("min_version: TLS13", "max_version: TLS12", "min_version: TLS12", "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]; max_version: TLS12", "curve_preferences: [CurveP384]"):
        write("web.yml", web(tls))
        for version in versions:
            both(tls, *version)
        both(tls, "--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384")
        both(tls, "--curves", "X25519")
        both(tls, "--curves", "P-384")
    ca = f"client_ca_file: {TLS}/authority.pem; client_auth_type: "
    for tls in ("client_auth_type: RequestClientCert", "client_auth_type: RequireAnyClientCert", ca + "VerifyClientCertIfGiven", ca + "RequireAndVerifyClientCert", ca + "RequireAndVerifyClientCert; client_allowed_sans: ['spiffe://x/y']", ca + "RequireAndVerifyClientCert; client_allowed_sans: [10.0.0.1, z]", ca + "RequireAndVerifyClientCert; client_allowed_sans: [x]", "client_auth_type: RequireAnyClientCert; client_allowed_sans: [client.example]"):
        write("web.yml", web(tls))
        for identity in ([], certificate("client"), certificate("stranger")):
            for version in versions:
                both(tls, *version, *identity)
    write("web.yml", web().replace("host.", "none."))
    both("no certificate")
    write("web.yml", USERS)
    both("no TLS any more", *GOOD)
    write("web.yml", web().replace("host.", "host2."))
    serial = lambda port: subprocess.run(f"openssl s_client -connect localhost:{port} </dev/null 2>/dev/null | openssl x509 -noout -serial", shell=True, capture_output=True, text=True).stdout
    same("a renewed certificate", serial(P), serial(Q))
    stop(*servers)
    write("web.yml", web(more="http_server_config: {http2: false}\n"))
    servers = [server(who, os.path.join(FOLDER, "empty.yml"), file) for who in "pq"]
    wait("both answer with TLS", lambda: all(curl(port) != "refused" for port in (P, Q)))
    same("http2: false", "1.1", protocol(Q))
    stop(*servers)


WRONG = [
    "tls_server_config: {cert_file: x}\n", "tls_server_config: {key_file: x}\n", "tls_server_config: {client_auth_type: RequestClientCert}\n",
    web("client_auth_type: Never"), web(f"client_ca_file: {TLS}/authority.pem"), web("cipher_suites: [TLS_X]"), web("curve_preferences: [X]"),
    web("min_version: TLS14"), web().replace("host.key", "client.key"), web().replace("host.pem", "host.key"), web().replace("host.key", "none"),
    web("unknown: x"), "http_server_config: {headers: {X-Powered-By: me}}\n", "http_server_config: {headers: {X-Frame-Options: no}}\n",
    "http_server_config: {http2: maybe}\n", "basic_auth_users: {me: secret}\n", f"basic_auth_users: {{me: 'x{HORSE[1:]}'}}\n", f"basic_auth_users: {{me: '{HORSE.replace('$04', '$40')}'}}\n",
    "basic_auth_user: {}\n", "[]\n", "a: b: c\n", web("client_auth_type: RequireAndVerifyClientCert; client_ca_file: /none"),
]
# What a server says of them, and we must say, too.
SAID = ["missing one of key or key_file", "missing one of cert or cert_file", "invalid ClientAuth: ", "client CA's have been configured without a Client Auth Policy",
        "unknown cipher: ", "unknown curve: ", "unknown TLS version", "failed to load X509KeyPair", "can not be configured", "Expected one of", "crypto/bcrypt: hashedSecret too short",
        "bcrypt hashes must start with", "outside allowed inclusive range", "not found in"]


def wrong_files():
    def judge(number):
        file = write(f"wrong{number}.yml", WRONG[number])
        command = [PROMETHEUS, f"--config.file={FOLDER}/empty.yml", f"--web.config.file={file}", f"--storage.tsdb.path={FOLDER}/none", f"--web.listen-address=127.0.0.1:{P}"]
        theirs = subprocess.run(["timeout", "10", *command], capture_output=True, text=True, cwd=FOLDER)
        ours = subprocess.run([PROMLET, "check", "web-config", file], capture_output=True, text=True)
        words = lambda done: (done.returncode == 0, [word for word in SAID if word in done.stdout + done.stderr])
        return words(theirs), words(ours)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number, (theirs, ours) in enumerate(pool.map(judge, range(len(WRONG)))):
            # promlet says all that is wrong, and sometimes says more.
            same(f"wrong file {WRONG[number]!r}", (False, False, True), (theirs[0], ours[0], set(theirs[1]) <= set(ours[1])))
    for text in (web(), USERS + HEADERS, "", web(more="rate_limit: {interval: 1s, burst: 10}\n")):
        done = subprocess.run([PROMLET, "check", "web-config", write("right.yml", text)], capture_output=True, text=True)
        same(f"right file {text!r}", 0, done.returncode)


class Ear(http.server.BaseHTTPRequestHandler):
    """The token's server and the page that wants tokens; /p/ and /q/ say who asks."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, kind, text):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        _, who, case, _ = self.path.split("/")
        with lock:
            tokens[who].append((case, self.headers["Authorization"], self.headers["Content-Type"], body))
        if case == "form" and self.headers["Authorization"]:
            return self.reply(401, "application/json", '{"error": "invalid_client"}')
        answers = {
            "header": (200, "application/json", '{"access_token": "h", "token_type": "bearer", "expires_in": 3600}'),
            "form": (200, "application/x-www-form-urlencoded", "access_token=f%2F1&token_type=Custom&expires_in=3600"),
            "short": (200, "application/json", '{"access_token": "s", "expires_in": "9"}'),
            "unknown": (401, "text/plain", "who are you"), "busy": (503, "text/html", "<html>"), "page": (200, "text/html", "<html>log in</html>"),
            "empty": (200, "application/json", "{}"), "denied": (200, "application/json", '{"error": "access_denied"}'), "huge": (200, "application/json", " " * (2 << 20)),
        }
        self.reply(*answers[case])

    def do_GET(self):
        _, who, case = self.path.split("/")
        with lock:
            pages[who].append((case, self.headers["Authorization"]))
        self.reply(200, "text/plain; version=0.0.4", "a 1\n")


CASES = {
    "header": "scopes: [a, b c], endpoint_params: {audience: 'x&y', resource: r}", "form": "scopes: []", "short": "endpoint_params: {grant_type: custom}",
    "unknown": "", "busy": "", "page": "", "empty": "", "denied": "", "huge": "", "clash": "scopes: [a], endpoint_params: {scope: b}",
}


def jobs(who):
    lines = ["global: {scrape_interval: 2s, scrape_timeout: 2s}", "scrape_configs:"]
    for case, more in CASES.items():
        url = f"http://127.0.0.1:{EAR}/{who}/{case}"
        oauth2 = f"client_id: 'the id', client_secret: 's:p c', token_url: '{url}/token', {more}"
        lines.append(f"- {{job_name: {case}, metrics_path: /{who}/{case}, static_configs: [{{targets: ['127.0.0.1:{EAR}']}}], oauth2: {{{oauth2}}}}}")
    return "\n".join(lines) + "\n"


def oauth2():
    write("web.yml", USERS)
    servers = [server(who, write(f"{who}-jobs.yml", jobs(who)), os.path.join(FOLDER, "web.yml")) for who in "pq"]

    def health(port):
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/targets", headers={"Authorization": "Basic " + base64.b64encode(b"me:correct horse").decode()})
        found = json.load(urllib.request.urlopen(asked, timeout=5))["data"]["activeTargets"]
        return {target["labels"]["job"]: (target["health"], "oauth2" in target["lastError"]) for target in found}

    settled = lambda port: len(health(port)) == len(CASES) and all(up != "unknown" for up, _ in health(port).values())
    wait("all jobs were scraped", lambda: settled(P) and settled(Q))
    wait("a short token was used again", lambda: all(len([1 for case, _ in pages[who] if case == "short"]) >= 3 for who in "pq"))
    same("health of the jobs", health(P), health(Q))
    with lock:
        for case in CASES:
            one = lambda heard, who: [rest for name, *rest in heard[who] if name == case]
            known = lambda heard, who: sorted(set(map(str, one(heard, who))))
            if case != "huge":  # what is cut off is no JSON for Prometheus, which then tries the form
                same(f"token requests of {case}", known(tokens, "p"), known(tokens, "q"))
            same(f"requests with a token of {case}", known(pages, "p"), known(pages, "q"))
        for who in "pq":
            count = lambda case: len([1 for name, *_ in tokens[who] if name == case])
            same(f"{who} asks once for a token that lasts, once more for the form", (1, 2), (count("header"), count("form")))
            same(f"{who} asks again for one that does not", True, count("short") >= 3)
    stop(*servers)


class Listener(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""


class Tunnel(http.server.BaseHTTPRequestHandler):
    """A proxy that only makes tunnels."""

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        with lock:
            tunnels.append((self.path, self.headers["X-Team"]))
        host, port = self.path.rsplit(":", 1)
        far = socket.create_connection((host, int(port)))
        self.send_response(200)
        self.end_headers()

        def pump(one, other):
            try:
                while piece := one.recv(65536):
                    other.sendall(piece)
            except OSError:
                pass

        threading.Thread(target=pump, args=(far, self.connection), daemon=True).start()
        pump(self.connection, far)
        far.close()
        self.close_connection = True


def alerts():
    """promlet evaluates a rule for an Alertmanager, Prometheus one for promlet; both behind certificates and passwords."""
    rules = write("rules.yml", "groups: [{name: g, interval: 1s, rules: [{alert: Always, expr: vector(1)}]}]\n")
    file = write("web.yml", web(f"client_ca_file: {TLS}/authority.pem; client_auth_type: RequireAndVerifyClientCert", USERS))
    own = f"tls_config: {{ca_file: {TLS}/authority.pem, cert_file: {TLS}/client.pem, key_file: {TLS}/client.key, server_name: localhost}}, basic_auth: {{username: me, password: correct horse}}"
    route = write("alertmanager.yml", "route: {receiver: r, group_wait: 1s}\nreceivers: [{name: r}]\n")
    manager = lambda port, more: f"global: {{evaluation_interval: 1s, external_labels: {{by: x}}}}\nrule_files: [{rules}]\nalerting: {{alertmanagers: [{{scheme: https, static_configs: [{{targets: ['localhost:{port}']}}], {own}{more}}}]}}\n"
    proxy = f", proxy_url: 'http://127.0.0.1:{PROXY}', proxy_connect_header: {{X-Team: [blue]}}"
    # Each is there before it is sent anything: what is lost is sent again only after a minute.
    there = lambda port: lambda: curl(port, *certificate("client"), *GOOD)[0] == "200"
    servers = [start("a", ALERTMANAGER, f"--config.file={route}", f"--storage.path={FOLDER}/a-data", f"--web.listen-address=127.0.0.1:{A}", "--cluster.listen-address=", f"--web.config.file={file}")]
    wait("Alertmanager answers", there(A))
    servers.append(server("q", write("q-sends.yml", manager(A, proxy)), file))
    wait("promlet answers", there(Q))
    servers.append(server("p", write("p-sends.yml", manager(Q, "")), write("open.yml", "")))

    def held(port):
        done = subprocess.run(["curl", "-sS", "--max-time", "5", "--cacert", f"{TLS}/authority.pem", *certificate("client"), *GOOD, f"https://localhost:{port}/api/v2/alerts"], capture_output=True, text=True)
        return sorted(str(sorted(alert["labels"].items())) for alert in json.loads(done.stdout))

    always = [str([("alertname", "Always"), ("by", "x")])]
    wait("Alertmanager hears promlet through the proxy", lambda: held(A) == always)
    wait("promlet hears Prometheus", lambda: held(Q) == always)
    same("the proxy was asked for a tunnel with its header", {(f"localhost:{A}", "blue")}, set(tunnels))
    http_config = write("http.yml", "{" + own + "}\n")
    for url, what in ((f"https://localhost:{A}", "Alertmanager"), (f"https://localhost:{Q}", "promlet")):
        tool = lambda *command: subprocess.run([PROMLET, *command, f"--url={url}", f"--http.config.file={http_config}"], capture_output=True, text=True)
        made = tool("silence", "add", "--comment=c", "Other")
        same(f"promlet silence adds at {what}", (0, ""), (made.returncode, made.stderr))
        same(f"promlet silence lists at {what}", True, made.stdout.strip() in tool("silence", "list", "-q").stdout)
    asked = subprocess.run([PROMLET, "promql", f"--url=https://localhost:{Q}", f"--http.config.file={http_config}", "--output=csv", "1 + 1"], capture_output=True, text=True)
    same("promlet promql asks", (0, True), (asked.returncode, "2" in asked.stdout))
    checked = subprocess.run([PROMLET, "check", "rules", f"--url=https://localhost:{Q}", f"--http.config.file={http_config}", rules], capture_output=True, text=True)
    same("promlet check rules asks", "", checked.stderr)
    stop(*servers)


def main():
    for port, handler in ((EAR, Ear), (PROXY, Tunnel)):
        listener = Listener(("127.0.0.1", port), handler)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
    began = time.time()
    for part in (passwords, certificates, wrong_files, oauth2, alerts):
        part()
        print(f"{part.__name__}: {passed} passed, {len(failed)} failed, {time.time() - began:.0f} s", flush=True)


try:
    main()
finally:
    stop(*list(processes))
    if not failed:
        shutil.rmtree(FOLDER)
    else:
        print(f"logs in {FOLDER}")
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
