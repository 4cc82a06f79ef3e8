"""A vendor on loopback that takes webhooks and misbehaves as it is told, and the policy that feeds it."""

import contextlib
import http.server
import json
import subprocess
import threading
import time

from bulkhead_server import binary, free_port
from policy_file import wait_for_metric, write

# For vendors that are to get the same people; vendors of which a policy says nothing of the kind divide them.
EVERYBODY = 'share = "all"\n'
SECRET = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


class Vendor:
    """`behave(path, body)` answers a status, or (status, headers), or None to hang up without a word."""

    def __init__(self):
        self.port = free_port()
        self.bodies, self.lock = [], threading.Lock()
        self.behave = lambda path, body: 200

    def messages(self):
        with self.lock:
            bodies = list(self.bodies)
        return [message for body in bodies if b'"events.batch"' in body for message in json.loads(body)["data"]["messages"]]

    def by_id(self):
        return {message["id"]: message for message in self.messages()}

    def deletions(self):
        with self.lock:
            return [json.loads(body) for body in self.bodies if b'"persons.deletion"' in body]

    def wait(self, condition, seconds=40):
        deadline = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < deadline, (len(self.bodies), [m.get("event") for m in self.messages()][-5:])
            time.sleep(0.05)


@contextlib.contextmanager
def running_vendor():
    vendor = Vendor()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = vendor.behave(self.path, body)
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            if status is None:
                self.close_connection = True
                return
            if 200 <= status < 300:
                with vendor.lock:
                    vendor.bodies.append(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", vendor.port), Handler)
    listener.daemon_threads = True
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        listener.shutdown()
        listener.server_close()


def vendor_policy(name, port, more="", event='plain = ["*"]\n', vendor_type="webhook"):
    return (f'[vendor.{name}]\ntype = "{vendor_type}"\nproject = 1\nurl = "http://127.0.0.1:{port}/{name}"\nallow_addresses = ["127.0.0.1"]\n'
            f'time = "exact"\nsends_per_second = 1000000\n{more}[[vendor.{name}.event]]\nname = "*"\n{event}')


def set_policy(server, *vendors, version=1):
    write(server, "schema = 1\n" + "".join(vendors))
    wait_for_metric(server, f"bulkhead_policy_version {version}")
    wait_for_metric(server, f"bulkhead_vendors {len(vendors)}")
    if version > 1:
        time.sleep(1.5)  # egress looks twice a second, and no number tells a vendor's other policy


def vendor(server, *words, stdin=""):
    return subprocess.run([binary(), "vendor", words[0], str(server.data), *map(str, words[1:])], input=stdin, capture_output=True, text=True,
                          check=False)


def done(server, *words, stdin=""):
    result = vendor(server, *words, stdin=stdin)
    assert result.returncode == 0, result
    return result.stdout


def check_against_ledger(told, messages):
    """Every message that a vendor took stands in the ledger, with its fields."""
    assert told["sends"] >= len({message["id"] for message in messages}), "a send without an entry"
    assert told["subjects"] >= len({message["person"] for message in messages} - {None}), "a subject without an entry"
    recorded = {field["name"]: field["sends"] for field in told["fields"]}
    for name in {name for message in messages for name in message["properties"]}:
        held = len({message["id"] for message in messages if name in message["properties"]})
        assert recorded.get(name, 0) >= held, f"a field without an entry: {name}"


def check_against_policy(messages, properties):
    """No message holds what the policy does not name."""
    for message in messages:
        outside = set(message["properties"]) - set(properties)
        assert not outside, f"a field outside of the policy: {outside}"


def set_credential(server, name, credential=SECRET):
    done(server, "credential", name, stdin=credential + "\n")


def exposure(server, name, *more):
    return json.loads(done(server, "exposure", name, "--json", *more))


def status(server, name):
    return next(one for one in json.loads(done(server, "list", "--json")) if one["vendor"] == name)
