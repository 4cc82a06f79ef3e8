"""Starts and stops the real `bulkhead` binary in a directory of its own, and asks it questions over HTTP.

    with BulkheadServer() as server:
        server.post_json("/track", [...])
        server.wait_until_queryable()
        server.query({"report": "insights", ...})

The binary is BULKHEAD_BIN, else build/release/bulkhead. Nothing here knows what the product should answer.
"""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


def binary() -> str:
    return os.environ.get("BULKHEAD_BIN", str(ROOT / "build" / "release" / "bulkhead"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class BulkheadServer:
    """One data directory and, between start() and stop(), one process that serves it."""

    def __init__(self, directory=None, port=None, tls=None, timezone=None, extra_arguments=(), init_arguments=()):
        self._own_directory = directory is None
        self.base = pathlib.Path(directory or tempfile.mkdtemp(prefix="bulkhead-test-"))
        self.data = self.base / "data"
        for folder in [self.base, *self.base.parents]:  # the compartments have users of their own
            if os.getuid() == 0 and folder.exists() and not folder.stat().st_mode & 0o001:
                folder.chmod(folder.stat().st_mode | 0o011)
        self.output = self.base / "server.out"  # stdout and stderr of every run, one after the other
        self.port = port or free_port()
        self.tls = tls  # (certificate path, key path), or None
        self.extra_arguments = list(extra_arguments)
        self.process = None
        arguments = [binary(), "init", str(self.data), "--json", *init_arguments]
        if timezone:
            arguments += ["--timezone", timezone]
        made = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise RuntimeError(f"init failed: {made.stdout}{made.stderr}")
        # Tests ask for more raw ids than anybody should be able to try out (docs/vault.md).
        (self.data / "vault.conf").write_text("guesses_per_second = 10000\nguesses_at_once = 1000000\n")
        answer = json.loads(made.stdout)
        self.project = int(answer["project_id"])
        self.token = answer["token"]
        self.username = answer["service_account"]["username"]
        self.secret = answer["service_account"]["secret"]

    # --- the process ---

    def start(self, timeout_s=60.0):
        arguments = [binary(), "serve", str(self.data), "--listen", f"127.0.0.1:{self.port}"]
        if self.tls:
            arguments += ["--tls-cert", str(self.tls[0]), "--tls-key", str(self.tls[1])]
        with open(self.output, "ab") as sink:
            self.process = subprocess.Popen(
                arguments + self.extra_arguments, stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.wait_until_queryable(timeout_s)
        return self

    def kill(self):
        """As a power cut would: no warning, nothing flushed, all processes of the server at once."""
        if self.process:
            self.process.send_signal(signal.SIGSTOP)  # so that it starts nothing again
            for pid in self.compartments().values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def compartments(self) -> dict:
        """Process ids by compartment, of those that run."""
        found = {}
        children = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children")
        for pid in " ".join(child.read_text() for child in children).split():
            with contextlib.suppress(OSError):
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if len(words) > 2 and words[1] == b"compartment":
                    found[words[2].decode()] = int(pid)
        return found

    def stop(self, timeout_s=60.0) -> int:
        if not self.process:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError("the server did not stop on SIGTERM") from None
        finally:
            self.process = None
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        try:
            if self.process:
                self.stop()
        finally:
            if self._own_directory and not os.environ.get("BULKHEAD_KEEP"):
                shutil.rmtree(self.base, ignore_errors=True)

    def rss_bytes(self, peak=False) -> int:
        """Resident memory of all processes of the server; what they share (the program's text) counts once."""
        path, field = ("status", "VmHWM:") if peak else ("smaps_rollup", "Pss:")
        total = 0
        for pid in [self.process.pid, *self.compartments().values()]:
            with contextlib.suppress(OSError):
                for line in pathlib.Path(f"/proc/{pid}/{path}").read_text().splitlines():
                    if line.startswith(field):
                        total += int(line.split()[1]) * 1024
        return total

    def disk_bytes(self, *parts) -> int:
        folder = self.data.joinpath(*parts)
        return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())

    def copy_data(self, target):
        """A copy of the data directory as a thief makes it, at any moment."""
        def copy_if_there(source, copy):
            with contextlib.suppress(FileNotFoundError):  # what the running server removes meanwhile is not stolen
                shutil.copyfile(source, copy)

        shutil.copytree(self.data, target, ignore=shutil.ignore_patterns("*.sock"), copy_function=copy_if_there)
        return target

    def output_text(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    # --- requests ---

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.username}:{self.secret}".encode()).decode()

    def _context(self):
        if not self.tls:
            return None
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def connect(self, timeout_s=120):
        """A connection that is kept for many requests."""
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout_s, context=self._context())
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)

    def request(self, method, target, body=None, headers=None, authorized=False, timeout_s=300):
        """(status, headers, body bytes); an HTTP error status is an answer, not an exception."""
        headers = dict(headers or {})
        if authorized:
            headers["Authorization"] = self.basic
        request = urllib.request.Request(self.url + target, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout_s, context=self._context()) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def post_json(self, target, value, authorized=False):
        return self.request("POST", target, json.dumps(value).encode(), {"Content-Type": "application/json"}, authorized)

    def import_events(self, events):
        """Through /import, 2000 at a time; every one must be taken."""
        for start in range(0, len(events), 2000):
            part = events[start:start + 2000]
            status, _, body = self.post_json(f"/import?strict=1&project_id={self.project}", part, authorized=True)
            answer = json.loads(body)
            if status != 200 or answer["num_records_imported"] != len(part):
                raise AssertionError(f"import: {status} {body[:2000]!r}")

    def healthy(self) -> bool:
        try:
            return self.request("GET", "/healthz", timeout_s=5)[0] == 200
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            return False

    def wait_until_queryable(self, timeout_s=60.0):
        """/healthz is 200 when what has been acknowledged can be queried."""
        deadline = time.monotonic() + timeout_s
        while not self.healthy():
            if self.process and self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.output_text()[-4000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready within {timeout_s} s:\n{self.output_text()[-4000:]}")
            time.sleep(0.01)

    # --- questions ---

    def get(self, target, **parameters):
        """A GET under the service account; answers the JSON value."""
        parameters.setdefault("project_id", self.project)
        status, _, body = self.request("GET", target + "?" + urllib.parse.urlencode(parameters), authorized=True)
        if status != 200:
            raise AssertionError(f"GET {target}: {status} {body[:1000]!r}")
        return json.loads(body)

    def query(self, report):
        """POST /api/v1/query; answers the JSON value."""
        status, _, body = self.post_json("/api/v1/query", {"project_id": self.project, **report}, authorized=True)
        if status != 200:
            raise AssertionError(f"query {report}: {status} {body[:1000]!r}")
        return json.loads(body)

    def count(self, event, from_date, to_date, math="total", **more):
        """One number: this event over the whole range. Unique counts ask for the range as one interval."""
        metric = {"event": event, "math": math, **more}
        answer = self.query({"report": "insights", "from": from_date, "to": to_date, "unit": "month", "metrics": [metric]})
        return sum(value or 0 for series in answer["series"] for value in series["values"])

    def export(self, from_date, to_date, **parameters):
        """The raw export, one dictionary per event."""
        parameters.update(from_date=from_date, to_date=to_date, project_id=self.project)
        status, _, body = self.request("GET", "/api/2.0/export?" + urllib.parse.urlencode(parameters), authorized=True)
        if status != 200:
            raise AssertionError(f"export: {status} {body[:1000]!r}")
        return [json.loads(line) for line in body.splitlines() if line]

    def profiles(self, **parameters):
        """Every profile of /engage, over all pages."""
        found, page, session = [], 0, None
        while True:
            form = {"project_id": self.project, "page": page, **parameters}
            if session:
                form["session_id"] = session
            status, _, body = self.request(
                "POST", f"/api/query/engage?project_id={self.project}", urllib.parse.urlencode(form).encode(),
                {"Content-Type": "application/x-www-form-urlencoded"}, authorized=True)
            if status != 200:
                raise AssertionError(f"engage: {status} {body[:1000]!r}")
            answer = json.loads(body)
            found += answer["results"]
            if len(answer["results"]) < answer["page_size"]:
                return found
            page, session = page + 1, answer["session_id"]


def make_certificates(folder):
    """A self-made authority and a certificate for Mixpanel's host names and loopback: (authority, certificate, key)."""
    folder = pathlib.Path(folder)
    names = "DNS:api.mixpanel.com,DNS:mixpanel.com,DNS:data.mixpanel.com,DNS:localhost,IP:127.0.0.1"
    (folder / "leaf.cnf").write_text(f"subjectAltName={names}\n")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-days", "2", "-subj", "/CN=Bulkhead test authority")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "leaf.key",
            "-out", "leaf.csr", "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", "leaf.pem", "-extfile", "leaf.cnf")
    return folder / "ca.pem", folder / "leaf.pem", folder / "leaf.key"
