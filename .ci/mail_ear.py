"""A mail server that keeps what it is told, and mails made comparable: what moves from mail to mail is made equal, texts are decoded."""
import email, email.policy, email.utils, html.parser, re, socketserver, time

# What a mail of promlet says besides: whether it was sent by a program, and which notification it is.
OURS = {"auto-submitted", "x-promlet-notification-id"}


class MailEar(socketserver.StreamRequestHandler):
    """Every receiver says its own name in EHLO."""

    def handle(self):
        said, case, mail = [], None, {}
        self.tell("220 ear ESMTP")
        while line := self.rfile.readline():
            line = line.decode("latin-1").rstrip("\r\n")
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "EHLO":
                case = line.split()[1]
                self.tell("250-ear", "250-AUTH PLAIN LOGIN", "250 8BITMIME")
                continue
            if verb == "AUTH":
                said.append(line)
                if line.upper() == "AUTH LOGIN":
                    for question in ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"):
                        self.tell(question)
                        said.append(self.rfile.readline().decode().strip())
                self.tell("235 welcome")
                continue
            if verb == "DATA":
                self.tell("354 go on")
                text = b""
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    text += line[1:] if line.startswith(b".") else line
                self.server.heard.setdefault(case, []).append({"said": said, "text": text})
                said = []
                self.tell("250 kept")
                continue
            if verb != "QUIT":
                # Whether the 8-bit extension is named depends on the letters of the mail.
                said.append(re.sub(r" BODY=8BITMIME$", "", line))
            self.tell("221 bye" if verb == "QUIT" else "250 fine")
            if verb == "QUIT":
                return

    def tell(self, *lines):
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())
        self.wfile.flush()


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 128

    def __init__(self, port):
        self.heard = {}
        super().__init__(("127.0.0.1", port), MailEar)

    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""


class Seen(html.parser.HTMLParser):
    """The words and links of a page, as a person sees them."""

    def __init__(self):
        super().__init__()
        self.words, self.links, self.hidden = [], [], 0

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("style", "title", "head")
        self.links += [value for name, value in attributes if name == "href"]

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "title", "head")

    def handle_data(self, data):
        if not self.hidden:
            self.words += data.split()


def seen(page):
    parser = Seen()
    parser.feed(page)
    return " ".join(parser.words) + "\n" + "\n".join(parser.links)


def comparable(mail, is_default, is_threaded):
    """As a request: the envelope, the headers, each part with its type and its text. Of the default page only what is seen is compared."""
    message = email.message_from_bytes(mail["text"], policy=email.policy.default)
    headers = {}
    for name, value in message.items():
        moving = {"Date": "DATE", "Message-Id": "<ID>", "Message-ID": "<ID>"}.get(name)
        if name == "Date" and abs(email.utils.parsedate_to_datetime(value).timestamp() - time.time()) > 120:
            moving = f"not of now: {value}"
        if name.lower() == "message-id" and not re.fullmatch(r"<[^<>@ ]+@[^<>@ ]+>", value):
            moving = f"no message id: {value}"
        if name.lower() in OURS or (name in ("References", "In-Reply-To") and not is_threaded):
            continue
        headers[name.title()] = re.sub(r'boundary="?[^";]+"?', "boundary=B", moving or str(value))
    parts = []
    for part in message.walk():
        if part.is_multipart():
            parts.append(f"[{part.get_content_type()}]")
            continue
        text = part.get_content().replace("\r\n", "\n")
        kind = f"[{part.get_content_type()} {part.get_content_charset()}]"
        shown = seen(text) if is_default and part.get_content_type() == "text/html" else text.rstrip("\n")
        parts.append(f"{kind}\n{shown}")
    return {"method": "MAIL", "path": " | ".join(mail["said"]) + f" | {message['subject']}", "headers": headers, "body": "\n".join(parts)}
