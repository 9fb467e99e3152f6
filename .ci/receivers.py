#!/usr/bin/env python3
"""What each receiver is sent: Alertmanager and promlet get the same file and the same alerts, a local server hears both.

Every receiver's address leads to the server; providers whose address Alertmanager does not let one change are reached through it as a
proxy, with TLS ended here. promlet runs with `notifications: {defaults: alertmanager}`. Times, ports, versions and random parts are
made equal, then requests are compared one by one, in the order in which a receiver was sent them. Usage:

    receivers.py [--port N] [--record FILE] [--only NAME] PROMLET ALERTMANAGER

`--record` also writes the conversations of Alertmanager, as the goldens of the unit tests. Exits 1 when anything differs.
"""
import argparse, base64, json, os, re, shutil, signal, ssl, subprocess, sys, tempfile, threading, time, urllib.error, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mail_ear import MailServer, comparable

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, default=19330)
options.add_argument("--record")
options.add_argument("--only")
options.add_argument("promlet")
options.add_argument("alertmanager")
options = options.parse_args()
HERE = os.path.dirname(os.path.abspath(__file__))
NOTIFY = os.path.join(HERE, "..", "tests", "notify")
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
TLS.load_cert_chain(os.path.join(NOTIFY, "server.pem"), os.path.join(NOTIFY, "server-key.pem"))

# Headers that mean something to a receiver.
HEADERS = ["authorization", "content-type", "x-auth-token", "x-user-id", "x-amz-date", "x-amz-content-sha256", "x-team"]


class Ear(BaseHTTPRequestHandler):
    """Hears one server: each request by the receiver that it belongs to, answered as the provider would."""
    protocol_version = "HTTP/1.1"
    case = None

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        user = base64.b64decode(self.headers["Proxy-Authorization"].split()[1]).decode().split(":")[0]
        self.send_response(200, "Connection established")
        self.end_headers()
        self.wfile.flush()
        inner = TLS.wrap_socket(self.connection, server_side=True)
        heard = type("Inner", (Ear,), {"case": user, "host": self.path})
        try:
            heard(inner, self.client_address, self.server)
        finally:
            self.close_connection = True

    def hear(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        case, path = self.case, self.path
        if case is None:
            _, case, path = (path + "/").split("/", 2)
            path = "/" + path[:-1]
        else:
            path = f"https://{self.host}{path}"
        headers = {name: self.headers[name] for name in HEADERS if self.headers.get(name)}
        earlier = self.server.heard.setdefault(case, [])
        status, answer = answer_of(case, self.command, path, body, earlier)
        earlier.append({"method": self.command, "path": path, "headers": headers, "body": body, "status": str(status), "answer": answer})
        answer = answer.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if answer.startswith(b"{") else "text/plain")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = hear


def answer_of(case, method, path, body, earlier):
    if path == "/form/token" and "client_secret=" not in body:
        return 401, '{"error":"invalid_client"}'
    if path.endswith("/token"):
        return 200, '{"access_token":"t/%s","token_type":"bearer","expires_in":3600}' % case
    if case.startswith("rocketchat"):
        return 200, '{"success":true}'
    if "chat." in path:
        return 200, '{"ok":true,"channel":"C024BE91L","ts":"1503435956.000247"}'
    if path.startswith("/bot"):
        return 200, '{"ok":true,"result":{"message_id":1,"date":1,"chat":{"id":1,"type":"group"}}}'
    if "gettoken" in path:
        return 200, '{"access_token":"tok","expires_in":7200,"errcode":0}'
    if "message/send" in path:
        return 200, '{"errcode":0,"errmsg":"ok"}'
    if "/search" in path:
        # Each group finds its own issue, which was created with its label.
        label = re.search(r"ALERT\{\w+\}", body).group(0)
        number = 2 if LONGS[-1] in label else 1
        if not any(one["path"].endswith("/issue") and label in one["body"] for one in earlier):
            return 200, '{"issues":[],"total":0}'
        return 200, '{"issues":[{"id":"1","key":"OPS-%d","fields":{"status":{"statusCategory":{"key":"new"}}}}],"total":1}' % number
    if path.endswith("/transitions"):
        return 200, '{"transitions":[{"id":"11","name":"Done"},{"id":"12","name":"Again"}]}' if method == "GET" else ""
    if path.endswith("/issue"):
        return 201, '{"id":"1","key":"OPS-1"}'
    if case.startswith("sns"):
        return 200, "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>"
    if case.startswith("discord"):
        return 204, ""
    if case.startswith(("pagerduty", "opsgenie", "incidentio")):
        return 202, '{"status":"success"}'
    return 200, "ok"


INSECURE = "{proxy_url: 'http://%s:x@127.0.0.1:PORT', tls_config: {insecure_skip_verify: true}}"
# Name and the receiver's body; BASE is its own address.
CASES = {
    "webhook": "webhook_configs: [{url: 'BASE/hook', max_alerts: 2}]",
    "webhook-payload": """webhook_configs:
    - url: 'BASE/hook?to={{ .GroupLabels.alertname }}'
      payload:
        title: '{{ .Status | toUpper }}'
        count: '{{ len .Alerts }}'
        flag: true
        number: 12
        float: 1.5
        nothing: null
        words: ['{{ .GroupLabels.alertname }}', plain, 7]
        labels: '{{ .CommonLabels | toJson }}'
        yaml: 'a: {b: 1}'
        '{{ .Status }}-{{ .GroupLabels.alertname }}-key': {inner: '{{ range .Alerts }}{{ .Labels.instance }} {{ end }}'}""",
    "slack": """slack_configs:
    - api_url: BASE/hook
      channel: '#c'
      send_resolved: true
      text: '{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}'
      message_text: 'm {{ .Status }}-{{ .GroupLabels.alertname }}'
      fields: [{title: t, value: '{{ .Status }}-{{ .GroupLabels.alertname }}'}, {title: u, value: v, short: true}]
      actions: [{type: button, text: go, url: 'http://u/{{ .Status }}-{{ .GroupLabels.alertname }}'}, {type: button, text: ask, name: n, value: v, confirm: {text: sure}}]""",
    "slack-defaults": "slack_configs: [{api_url: BASE/hook, channel: '#c', send_resolved: true}]",
    "slack-bot": "slack_configs: [{app_token: xoxb-1, app_url: BASE/api/chat.postMessage, channel: '#c', send_resolved: true}]",
    "slack-update": """slack_configs:
    - api_url: https://slack.com/api/chat.postMessage
      http_config: {authorization: {credentials: xoxb-2}, PROXY}
      update_message: true
      channel: '#c'
      send_resolved: true""",
    "pagerduty-v2": """pagerduty_configs:
    - routing_key: 'key-{{ .GroupLabels.alertname }}'
      url: BASE/v2/enqueue
      severity: '{{ .CommonLabels.severity }}'
      class: c
      component: '{{ .Status }}-{{ .GroupLabels.alertname }}'
      group: g
      details: {extra: '{{ .CommonAnnotations.summary }}', num_firing: 'n={{ .Alerts.Firing | len }}'}
      images: [{src: 'http://i/{{ .Status }}-{{ .GroupLabels.alertname }}', alt: a, href: 'http://h'}, {alt: none}]
      links: [{href: 'http://l', text: '{{ .Status }}-{{ .GroupLabels.alertname }}'}, {text: none}]""",
    "pagerduty-defaults": "pagerduty_configs: [{routing_key: k, url: BASE/v2/enqueue}]",
    "pagerduty-v1": "pagerduty_configs: [{service_key: k1, http_config: {PROXY}}]",
    "opsgenie": """opsgenie_configs:
    - api_key: og
      api_url: BASE/
      details: {region: '{{ .CommonLabels.severity }}'}
      entity: 'e {{ .Status }}-{{ .GroupLabels.alertname }}'
      responders: [{name: '{{ .GroupLabels.alertname }}', type: team}, {id: i, type: user}, {username: u, type: USER}, {name: 'a, b', type: teams}]
      actions: 'one, two'
      tags: 'x,{{ .Status }}-{{ .GroupLabels.alertname }}, y'
      note: n
      priority: P2
      update_alerts: true""",
    "opsgenie-defaults": "opsgenie_configs: [{api_key: og, api_url: BASE/}]",
    "discord": "discord_configs: [{webhook_url: BASE/hook}]",
    "discord-full": "discord_configs: [{webhook_url: BASE/hook, title: 'T {{ .Status }}-{{ .GroupLabels.alertname }}', message: 'M', content: '{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}', username: bot, avatar_url: 'http://a'}]",
    "msteams": "msteams_configs: [{webhook_url: BASE/hook}]",
    "msteams-full": "msteams_configs: [{webhook_url: BASE/hook, title: 'T {{ .Status }}-{{ .GroupLabels.alertname }}', summary: S, text: X}]",
    "msteamsv2": "msteamsv2_configs: [{webhook_url: BASE/hook}]",
    "msteamsv2-full": "msteamsv2_configs: [{webhook_url: BASE/hook, title: 'T {{ .Status }}-{{ .GroupLabels.alertname }}', text: 'X <b>'}]",
    "telegram": "telegram_configs: [{api_url: BASE, bot_token: '1:t', chat_id: -100}]",
    "telegram-plain": "telegram_configs: [{api_url: BASE, bot_token: '1:t', chat_id: 7, message_thread_id: 3, parse_mode: '', disable_notifications: true, message: '{{ range .Alerts }}{{ .Annotations.summary }}<&>{{ end }}'}]",
    "telegram-markdown": "telegram_configs: [{api_url: BASE, bot_token: '1:t', chat_id: 7, parse_mode: MarkdownV2, message: '*{{ .Status }}-{{ .GroupLabels.alertname }}*'}]",
    "pushover": "pushover_configs: [{user_key: u, token: t, http_config: {PROXY}}]",
    "pushover-full": """pushover_configs:
    - user_key: u
      token: t
      http_config: {PROXY}
      title: 'T {{ .GroupLabels.alertname }}'
      message: '{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}'
      url: 'http://x/{{ .Status }}-{{ .GroupLabels.alertname }}'
      url_title: ut
      device: d
      sound: s
      priority: '1'
      retry: 90s
      expire: 2h
      ttl: 1h
      html: true""",
    "pushover-mono": "pushover_configs: [{user_key: u, token: t, http_config: {PROXY}, monospace: true, message: ''}]",
    "victorops": "victorops_configs: [{api_key: vk, api_url: BASE/alert/, routing_key: 'r-{{ .GroupLabels.alertname }}'}]",
    "victorops-full": "victorops_configs: [{api_key: vk, api_url: BASE/alert/, routing_key: r, message_type: '{{ .CommonLabels.severity }}', entity_display_name: e, monitoring_tool: m, custom_fields: {Mine: '{{ .Status }}-{{ .GroupLabels.alertname }}', other: o}}]",
    "wechat": "wechat_configs: [{api_url: BASE/cgi-bin/, api_secret: ws, corp_id: wc, agent_id: '12', to_user: 'u|{{ .Status }}-{{ .GroupLabels.alertname }}', to_party: p, to_tag: t, send_resolved: true}]",
    "wechat-markdown": "wechat_configs: [{api_url: BASE/cgi-bin/, api_secret: ws, corp_id: wc, message_type: markdown, message: '**{{ .Status }}-{{ .GroupLabels.alertname }}**', send_resolved: true}]",
    "webex": "webex_configs: [{api_url: BASE/v1/messages, room_id: 'room-{{ .GroupLabels.alertname }}', http_config: {authorization: {credentials: wx}}}]",
    "jira": """jira_configs:
    - api_url: BASE/rest/api/2
      project: OPS
      issue_type: Bug
      labels: [alertmanager, '{{ .Status }}-{{ .GroupLabels.alertname }}']
      resolve_transition: Done
      reopen_transition: Again
      reopen_duration: 1h
      wont_fix_resolution: "Won't Fix"
      fields: {customfield_1: {value: '{{ .Status }}-{{ .GroupLabels.alertname }}'}, customfield_2: ['{{ .GroupLabels.alertname }}', b], components: [{name: Web}], customfield_3: 7}""",
    "jira-v3": "jira_configs: [{api_url: BASE/rest/api/3, project: OPS, issue_type: Bug, api_type: cloud, resolve_transition: Done, reopen_transition: Again, description: '{\"content\":[],\"type\":\"doc\",\"version\":1}'}]",
    "rocketchat": "rocketchat_configs: [{api_url: BASE/, token: rt, token_id: ri, channel: '#r', send_resolved: true}]",
    "rocketchat-full": "rocketchat_configs: [{api_url: BASE/, token: rt, token_id: ri, channel: '@r', send_resolved: true, emoji: ':x:', icon_url: 'http://i', image_url: 'http://im', thumb_url: 'http://th', link_names: true, color: blue, title: T, title_link: 'http://tl', text: '{{ .Status }}-{{ .GroupLabels.alertname }}', fields: [{title: a, value: '{{ .Status }}-{{ .GroupLabels.alertname }}'}, {title: b, value: c, short: true}], actions: [{type: button, text: '{{ .Status }}-{{ .GroupLabels.alertname }}', url: 'http://u', msg: hi}]}]",
    "mattermost": "mattermost_configs: [{webhook_url: BASE/hook}]",
    "mattermost-full": """mattermost_configs:
    - webhook_url: BASE/hook
      channel: town
      username: u
      text: '{{ .Status }}-{{ .GroupLabels.alertname }}'
      fallback: f
      color: '#fff'
      pretext: p
      author_name: an
      author_link: 'http://al'
      author_icon: 'http://ai'
      title: T
      title_link: 'http://tl'
      fields: [{title: a, value: '{{ .Status }}-{{ .GroupLabels.alertname }}', short: true}, {title: b, value: c}]
      thumb_url: 'http://th'
      footer: ft
      footer_icon: 'http://fi'
      image_url: 'http://im'
      icon_url: 'http://ic'
      icon_emoji: ':e:'
      type: custom_x
      props: {card: '{{ .Status }}-{{ .GroupLabels.alertname }} card'}
      priority: {priority: urgent, requested_ack: true}""",
    "mattermost-attachments": "mattermost_configs: [{webhook_url: BASE/hook, text: above, attachments: [{text: 'A {{ .Status }}-{{ .GroupLabels.alertname }}', title: T1, fields: [{title: a, value: b}]}, {color: red, fallback: fb}], priority: {priority: important, requested_ack: true, persistent_notifications: true}}]",
    "jira-update": "jira_configs: [{api_url: BASE/rest/api/2, project: OPS, issue_type: Bug, summary: {template: 'S {{ .Status }}-{{ .GroupLabels.alertname }}', enable_update: false}, description: {template: D, enable_update: false}}]",
    "incidentio": "incidentio_configs: [{url: BASE/v2/alert_events, alert_source_token: it, max_alerts: 2}]",
    "sns": "sns_configs: [{api_url: BASE/, topic_arn: 'arn:aws:sns:eu-west-1:123456789012:t', sigv4: {region: eu-west-1, access_key: AKIDEXAMPLE, secret_key: sk}, attributes: {k: '{{ .Status }}-{{ .GroupLabels.alertname }}', b: two}}]",
    "sns-fifo": "sns_configs: [{api_url: BASE/, topic_arn: 'arn:aws:sns:eu-west-1:123456789012:t.fifo', sigv4: {region: eu-west-1, access_key: AKIDEXAMPLE, secret_key: sk}, subject: S, message: 'M {{ .Status }}-{{ .GroupLabels.alertname }}'}]",
    "sns-phone": "sns_configs: [{api_url: BASE/, phone_number: '+491', sigv4: {region: eu-west-1, access_key: AKIDEXAMPLE, secret_key: sk}, subject: '', message: '{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}'}]",
    "oauth2": "webhook_configs: [{url: BASE/hook, http_config: {oauth2: {client_id: 'the id', client_secret: 's p:c', token_url: BASE/token, scopes: [read, write], endpoint_params: {audience: 'a&b', x: y}}}}]",
    "oauth2-form": "webhook_configs: [{url: BASE/hook, http_config: {oauth2: {client_id: 'the id', client_secret: 's p:c', token_url: BASE/form/token}}}]",
    "oauth2-signed": "webhook_configs: [{url: BASE/hook, http_config: {oauth2: {client_id: id, grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_certificate_key_file: RSA, client_certificate_key_id: k1, signature_algorithm: RS512, scopes: [a], endpoint_params: {p: q, grant_type: z}, claims: {n: 1, l: [x]}, token_url: BASE/token}}}]",
    "sns-profile": "sns_configs: [{api_url: BASE/, topic_arn: 'arn:aws:sns:eu-west-1:123456789012:t', sigv4: {region: eu-west-1, profile: ops}}]",
    "email": "email_configs: [{SMTP, to: 'me@example.org', send_resolved: true}]",
    "email-full": """email_configs:
    - {SMTP}
      to: 'A <a@example.org>, {{ .GroupLabels.alertname }}@example.org'
      from: '{{ .Status }} <am@example.org>'
      auth_username: user
      auth_password: 'pass word'
      headers: {subject: '{{ .Status }} ä {{ .GroupLabels.alertname }}', x-team: '{{ .CommonLabels.severity }}', Reply-To: r@example.org}
      html: '<b>{{ range .Alerts }}{{ .Annotations.summary }}<br>{{ end }}</b>'
      text: '{{ range .Alerts }}{{ .Annotations.summary }} - {{ end }}'
      send_resolved: true""",
    "email-text": "email_configs: [{SMTP, to: me@example.org, html: '', text: 'T {{ .Status }}-{{ .GroupLabels.alertname }}'}]",
    "email-thread": "email_configs: [{SMTP, to: me@example.org, html: 'x', threading: {enabled: true, thread_by_date: none}, send_resolved: true}]",
    "email-daily": "email_configs: [{SMTP, to: me@example.org, html: 'x', threading: {enabled: true, thread_by_date: daily}, send_resolved: true}]",
}
if options.only:
    CASES = {name: body for name, body in CASES.items() if name.startswith(options.only)}


def configuration(port):
    lines = ["global: {smtp_from: am@example.org}", "route: {receiver: nobody, group_by: [alertname], group_wait: 1s, group_interval: 3s, repeat_interval: 1h, routes: ["]
    lines[1] += ", ".join(f"{{receiver: {name}, continue: true}}" for name in CASES) + "]}"
    lines += ["receivers:", "- name: nobody"]
    for name, body in CASES.items():
        body = body.replace("{PROXY}", INSECURE % name).replace("PROXY", (INSECURE % name)[1:-1])
        smarthost = f"smarthost: '127.0.0.1:{port + 4}', hello: {name}, require_tls: false"
        body = body.replace("{SMTP}", smarthost.replace(", ", "\n      ")).replace("SMTP", smarthost)
        lines += [f"- name: {name}", "  " + body.replace("BASE", f"http://127.0.0.1:PORT/{name}").replace("PORT", str(port)).replace("RSA", os.path.join(HERE, "..", "tests", "tls", "rsa.key"))]
    return "\n".join(lines) + "\n"


LONG = "\u00e4\u20ac\U0001f600<b>&\"' " * 2900
# By which a request of the second group is known: its name, its text, its group key's hash.
LONGS = ["Long", "\u00e4\u20ac", "%C3%A4", "OPS-2", "80f5a13ef0ececda93084aef8004cf56328235eb029acbb314354f18c0f4ece7"]
SHORTENED = ["message length exceeds Telegram limits", "longer than Telegram takes"]
NOW = int(time.time())


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW + seconds))


def alert(labels, annotations, ends=None):
    """Begun just now, so that group_wait is kept and every alert is there at the first look; ended so many seconds from then, or in an hour."""
    said = {"labels": labels, "annotations": annotations, "startsAt": stamp(1), "endsAt": stamp(3600 if ends is None else ends)}
    return {**said, "generatorURL": "http://p.example/graph?g0.expr=x+%3E+1&g0.tab=1"}


def disk(instance, ends=None):
    labels = {"alertname": "Disk", "instance": instance, "severity": "critical", "job": "node"}
    return alert(labels, {"summary": f"disk of {instance} is full", "description": "90% <used> & \"rising\""}, ends)


def script():
    """Seconds after the start, alerts; between the looks at 1, 4, 7 seconds."""
    return [
        (0, [disk("a:9100"), disk("b:9100"), disk("c:9100"), alert({"alertname": "Long", "severity": "warning"}, {"summary": LONG})]),
        (3, [disk("b:9100", ends=2)]),
        (6, [disk("a:9100", ends=5), disk("c:9100", ends=5), alert({"alertname": "Long", "severity": "warning"}, {"summary": LONG}, ends=5)]),
    ]


LASTS = 11


# Where both programs find the profile of "sns-profile".
AWS = tempfile.NamedTemporaryFile("w", prefix="receivers-aws-")
AWS.write("[default]\naws_access_key_id = NO\naws_secret_access_key = no\n[ops]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = sp\n")
AWS.flush()
os.environ.update(AWS_SHARED_CREDENTIALS_FILE=AWS.name, AWS_CONFIG_FILE=AWS.name, AWS_EC2_METADATA_DISABLED="true")


class Server:
    """One of the two programs, with the ear that hears it."""

    class Ears(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, request, client_address):
            """A client that hangs up is no news."""

    def __init__(self, name, port, command):
        self.name, self.port = name, port
        self.folder = tempfile.mkdtemp(prefix=f"receivers-{name}-")
        self.ear = Server.Ears(("127.0.0.1", port), Ear)
        self.ear.heard = {}
        self.mail = MailServer(port + 4)
        for server in (self.ear, self.mail):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        for file, text in [("alertmanager.yml", configuration(port)), ("prometheus.yml", "global: {}\n"), ("promlet.yml", "notifications: {defaults: alertmanager}\n")]:
            with open(os.path.join(self.folder, file), "w") as out:
                out.write(text)
        arguments = [part.format(folder=self.folder, port=port + 2) for part in command]
        self.log = open(os.path.join(self.folder, "log"), "w")
        self.process = subprocess.Popen(arguments, cwd=self.folder, stdout=self.log, stderr=self.log)

    def wait(self):
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port + 2}/-/ready", timeout=5)
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        print(open(os.path.join(self.folder, "log")).read()[-3000:])
        sys.exit(f"{self.name} does not start")

    def post(self, alerts):
        address = f"http://127.0.0.1:{self.port + 2}/api/v2/alerts"
        asked = urllib.request.Request(address, json.dumps(alerts).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(asked, timeout=10)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.ear.shutdown()
        self.mail.shutdown()
        shutil.rmtree(self.folder)


def normal(text, port):
    """Without what differs from run to run: ports, the moments of this run, versions, signatures."""
    text = text.replace(f":{port}", ":PORT").replace(f"%3A{port}", "%3APORT")
    for at, name in [(1, "START"), (2, "END1"), (5, "END2"), (3600, "LATER")]:
        text = text.replace(stamp(at), name).replace(stamp(at).replace(":", "%3A"), name)
        text = text.replace(str(NOW + at) + "000", f"{name}-MS").replace(str(NOW + at), f"{name}-S")
    return text


def unsigned(body, port):
    """What an assertion says, apart from its moment and its number; the signature is as long as the key."""
    found = re.search(r"assertion=([^&]*)", body)
    if not found:
        return body
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in found.group(1).split(".")]
    claims = json.loads(parts[1])
    lasts = claims.pop("exp") - claims.pop("iat")
    known = [json.loads(parts[0]), claims, lasts, len(claims.pop("jti")), len(parts[2])]
    return body.replace(found.group(1), normal(json.dumps(known, sort_keys=True), port))


def conversation(server, case):
    """Requests in a comparable order: those of one group stay in theirs."""
    out = []
    mails = [comparable(mail, case == "email", "threading" in CASES[case]) for mail in server.mail.heard.get(case, [])]
    for request in server.ear.heard.get(case, []) + mails:
        text = {key: normal(value, server.port) if isinstance(value, str) else {k: normal(v, server.port) for k, v in value.items()} for key, value in request.items()}
        headers = text["headers"]
        if "authorization" in headers:
            headers["authorization"] = re.sub(r"/\d{8}/(.*), SignedHeaders=.*", r"/DAY/\1", headers["authorization"])
        for moving in ("x-amz-date", "x-amz-content-sha256"):
            headers[moving] = "*" if moving in headers else None
        text["body"] = unsigned(text["body"], server.port)
        text["headers"] = {name: value for name, value in headers.items() if value is not None}
        if text["headers"].get("content-type", "").startswith("application/json"):
            text["headers"]["content-type"] = "application/json"
        text["body"] = re.sub(r'("timestamp":)\d+', r"\1T", text["body"]).rstrip("\n")
        out.append(text)
    # A token is fetched once or more, as it comes; which group's turn it is first is chance as well.
    # Alertmanager sends a sentence instead of a message that is too long for Telegram; promlet a shorter message.
    out = [request for request in out if not any(word in request["body"] for word in SHORTENED)]
    is_token = lambda request: "gettoken" in request["path"] or request["path"].endswith("/token")
    tokens = [request for request in out if is_token(request)][: 2 if case == "oauth2-form" else 1]
    others = [request for request in out if not is_token(request)]
    return tokens + sorted(others, key=lambda request: any(mark in request["path"] + request["body"] for mark in LONGS))


def golden(case):
    """The first group's part, with the receiver that it was sent by; BASE is its address."""
    requests = [one for one in conversation(servers[0], case) if not any(mark in one["path"] + one["body"] for mark in LONGS)]
    body = CASES[case].replace("{PROXY}", INSECURE % case).replace("PROXY", (INSECURE % case)[1:-1])
    return {"receiver": body, "requests": requests}


def shorten(text, other):
    """Where two texts part, with what is around it."""
    at = next((n for n, (a, b) in enumerate(zip(text, other)) if a != b), min(len(text), len(other)))
    return ("..." if at > 150 else "") + text[max(0, at - 150) : at + 250]


def compare(servers):
    passed, failed = 0, []
    for case in CASES:
        theirs, ours = (conversation(server, case) for server in servers)
        if theirs == ours and theirs:
            passed += 1
            continue
        failed.append(case)
        print(f"== {case}: {len(theirs)} requests of Alertmanager, {len(ours)} of promlet")
        for their, our in zip(theirs, ours):
            for part in ("method", "path", "headers", "body"):
                if their[part] != our[part]:
                    a, b = (text if isinstance(text, str) else json.dumps(text, sort_keys=True) for text in (their[part], our[part]))
                    print(f"  {part}\n    alertmanager {shorten(a, b)}\n    promlet      {shorten(b, a)}")
        for more in (theirs[len(ours) :] or ours[len(theirs) :])[:4]:
            print("  only one:", more["method"], more["path"], more["body"][:300])
    return passed, failed


PROMLET = [os.path.abspath(options.promlet), "--config.file={folder}/prometheus.yml", "--storage.tsdb.path={folder}/data"]
PROMLET += ["--web.listen-address=127.0.0.1:{port}", "--web.external-url=http://am.example/x", "--web.route-prefix=/"]
ALERTMANAGER = [os.path.abspath(options.alertmanager), "--config.file={folder}/alertmanager.yml", "--storage.path={folder}/data"]
ALERTMANAGER += ["--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--web.external-url=http://am.example/x", "--web.route-prefix=/"]
servers = [Server("alertmanager", options.port, ALERTMANAGER), Server("promlet", options.port + 1, PROMLET)]
try:
    for server in servers:
        server.wait()
    begun = time.time()
    NOW = int(begun)
    for at, alerts in script():
        time.sleep(max(0, begun + at - time.time()))
        for server in servers:
            server.post(alerts)
    time.sleep(max(0, begun + LASTS - time.time()))
    passed, failed = compare(servers)
    if options.record:
        with open(options.record, "w") as out:
            json.dump({case: golden(case) for case in CASES if not case.startswith("email")}, out, indent=1, ensure_ascii=False)
            out.write("\n")
finally:
    logs = [open(os.path.join(server.folder, "log")).read() for server in servers]
    for server in servers:
        server.stop()
if failed and os.environ.get("VERBOSE"):
    print("\n".join(log[-6000:] for log in logs))
print(f"{passed} receivers are sent the same, {len(failed)} not{': ' + ', '.join(failed) if failed else ''}")
sys.exit(1 if failed else 0)
