"""Teams are told of a first hit: by a signed webhook that an independent library verifies, once, and without the value."""

import contextlib
import http.server
import json
import ssl
import subprocess
import threading
import time

from bulkhead_server import BulkheadServer, binary, free_port
from standardwebhooks.webhooks import Webhook
from policy_file import metrics, write
from test_policy import send

SECRET = "AKIAIOSFODNN7EXAMPLE"


@contextlib.contextmanager
def receiver(answers=(), certificates=None):
    """Takes webhooks on loopback; answers the given statuses first, then 204."""
    taken, statuses = [], list(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, dict(self.headers), body))
            self.send_response(statuses.pop(0) if statuses else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    if certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificates)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], taken
    finally:
        server.shutdown()
        server.server_close()


def alert_policy(url, more=""):
    return f'schema = 1\n[[project.1.alert]]\nteam = "web"\nurl = "{url}"\nsecret = "web-hook"\n{more}'


def wait_for(condition, seconds=30):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline
        time.sleep(0.1)


def webhook_secret(server):
    shown = subprocess.run([binary(), "policy", "webhook-secret", str(server.data), "web-hook"], capture_output=True, text=True, check=True)
    return shown.stdout.strip()


def test_a_first_hit_is_told_once_signed_and_without_the_value():
    with receiver(answers=[503]) as (port, taken), BulkheadServer(extra_arguments=["--egress-port", str(port)]) as server:
        write(server, alert_policy(f"http://127.0.0.1:{port}/hook?x=1", 'allow_addresses = ["127.0.0.1"]\n'))
        for _ in range(3):
            send(server, "Leaked", note=f"key {SECRET}", mp_lib="web")
        wait_for(lambda: len(taken) >= 2)  # the first was answered 503
        first, again = taken[:2]
        assert first[0] == "/hook?x=1" and first[1]["webhook-id"] == again[1]["webhook-id"]
        payload = Webhook(webhook_secret(server)).verify(again[2], again[1])
        assert payload["type"] == "sieve.first_hit" and payload["data"]["team"] == "web"
        assert [(hit["path"], hit["library"], hit["action"]) for hit in payload["data"]["hits"]] == [("note", "web", "redact")]
        assert SECRET not in json.dumps([str(message) for message in taken])
        wait_for(lambda: "bulkhead_alerts_untold 0" in metrics(server).splitlines())
        send(server, "Leaked", note=f"key {SECRET}", mp_lib="web")
        server.stop()
        server.start()
        send(server, "Leaked", note=f"key {SECRET}", mp_lib="web")
        send(server, "Leaked", other=f"key {SECRET}", mp_lib="web")
        wait_for(lambda: len(taken) >= 3)
        time.sleep(2)
        assert len(taken) == 3
        assert [hit["path"] for hit in json.loads(taken[2][2])["data"]["hits"]] == ["other"]
        assert b'bulkhead_sieve_first_hit_timestamp_seconds{project="1"' in server.request("GET", "/metrics")[2]


def test_egress_reaches_no_address_inside_and_no_port_that_is_not_listed():
    with receiver() as (port, taken), receiver() as (other_port, others), \
            BulkheadServer(extra_arguments=["--egress-port", str(port)]) as server:
        write(server, alert_policy(f"https://127.0.0.1:{port}/"))  # inside, and not allowed
        send(server, "Leaked", note=f"key {SECRET}")
        wait_for(lambda: "an address inside" in server.output_text())
        write(server, alert_policy(f"http://127.0.0.1:{other_port}/", 'allow_addresses = ["127.0.0.1"]\n'))
        wait_for(lambda: "no answer from 127.0.0.1" in server.output_text())
        assert not taken and not others


def test_a_certificate_that_nobody_vouches_for_is_refused(certificates):
    with receiver(certificates=certificates[1:]) as (port, taken), \
            BulkheadServer(extra_arguments=["--egress-port", str(port)]) as server:
        write(server, alert_policy(f"https://localhost:{port}/", 'allow_addresses = ["127.0.0.1", "::1"]\n'))
        send(server, "Leaked", note=f"key {SECRET}")
        wait_for(lambda: "certificate verify failed" in server.output_text())
        assert not taken
