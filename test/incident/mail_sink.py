"""A mail relay on loopback that keeps what it takes, byte by byte, and misbehaves as it is told."""

import contextlib
import pathlib
import ssl
import subprocess
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from bulkhead_server import free_port

USER, PASSWORD = "notices", "the relay's password"


class MailSink:
    """`behave(event, to)` for the events "rcpt" and "data" answers a reply such as "450 later", or None for the usual one, or "hang up"."""

    def __init__(self, folder):
        self.port = free_port()
        self.mails, self.lock = [], threading.Lock()  # (recipient, content)
        self.behave = lambda event, to: None
        self.sign_ins = []
        self.authority, self.context = make_authority(pathlib.Path(folder))
        self._controller = None

    # --- aiosmtpd's hooks ---

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = self.behave("rcpt", address)
        if reply == "hang up":
            server.transport.close()
            return "421 gone"
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        to, = envelope.rcpt_tos
        reply = self.behave("data", to)
        if reply == "take and hang up":
            self._keep(to, envelope)
        if reply in ("hang up", "take and hang up"):
            server.transport.close()
            return "421 gone"
        if reply:
            return reply
        self._keep(to, envelope)
        return "250 OK"

    def _keep(self, to, envelope):
        with self.lock:
            self.mails.append((to, envelope.original_content))

    def authenticate(self, server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.sign_ins.append(good)
        return AuthResult(success=good, handled=good)

    # --- for tests ---

    def start(self):
        sink = self

        class WithTls(Controller):
            def factory(self):
                return SMTP(sink, tls_context=sink.context, require_starttls=True, auth_required=True, authenticator=sink.authenticate,
                            hostname="localhost", timeout=30)

        self._controller = WithTls(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self):
        if self._controller:
            self._controller.stop()
            self._controller = None

    def to(self):
        with self.lock:
            return [to for to, _ in self.mails]

    def mail_to(self, to):
        with self.lock:
            return [content for recipient, content in self.mails if recipient == to]

    def wait(self, condition, seconds=40):
        deadline = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < deadline, self.to()
            time.sleep(0.05)


@contextlib.contextmanager
def running_sink(folder):
    sink = MailSink(folder)
    sink.start()
    try:
        yield sink
    finally:
        sink.stop()


def make_authority(folder):
    """(path of an authority's certificate, TLS context with one of "localhost" that it signed)."""
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=folder)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test authority")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "relay.key", "-out", "relay.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "relay.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", "relay.pem",
            "-extfile", "names")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "relay.pem", folder / "relay.key")
    return folder / "ca.pem", context
