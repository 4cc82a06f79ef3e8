"""A running server has its audit log cosigned by a witness by itself, through egress, and goes on without one."""

import re
import shutil
import subprocess
import time

from audit_tools import binary
from bulkhead_server import BulkheadServer, free_port


class WitnessProcess:
    def __init__(self, state, log_key, port):
        self.process = subprocess.Popen([binary(), "witness", state, "--log-key", log_key, "--listen", f"127.0.0.1:{port}"],
                                        stdout=subprocess.PIPE, text=True)
        self.key = re.match(r"(\S+) signs for", self.process.stdout.readline()).group(1)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def wait_for(condition, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def read_persons(server):
    return server.request("POST", f"/api/query/engage?project_id={server.project}", b"", authorized=True)[0]


def metric(server, name):
    _, _, body = server.request("GET", "/metrics")
    found = re.search(rf"^{name} (\S+)$", body.decode(), re.M)
    return float(found.group(1)) if found else None


def size_of(checkpoint):
    return int(checkpoint.read_text().split("\n")[1]) if checkpoint.exists() else 0


def test_the_server_submits_and_keeps_what_is_signed(tmp_path):
    with BulkheadServer() as server:
        log = server.data / "audit"
        assert metric(server, "bulkhead_audit_cosigned_entries") is None  # no witness, nothing to say
        server.stop()
        noted = shutil.copy(log / "audit.pub", tmp_path / "audit.pub")
        port = free_port()
        witness = WitnessProcess(tmp_path / "witness", noted, port)
        try:
            server.extra_arguments += ["--witness", f"http://127.0.0.1:{port}", "--witness-key", witness.key]
            server.start()
            key_id = witness.key.split("+")[1]
            cosigned = log / "cosigned" / key_id
            assert read_persons(server) == 200  # the first entry: an empty log is nothing to sign
            wait_for(lambda: size_of(cosigned) > 0 and size_of(cosigned) == size_of(log / "checkpoint"))
            before = size_of(cosigned)
            assert read_persons(server) == 200
            wait_for(lambda: size_of(cosigned) > before)
            wait_for(lambda: metric(server, "bulkhead_audit_cosigned_entries") == size_of(log / "checkpoint"))
            verified = subprocess.run([binary(), "audit", "verify", str(log), "--key", noted, "--cosigned", cosigned,
                                       "--witness-key", witness.key], capture_output=True, text=True)
            assert verified.returncode == 0 and "signed by the witness" in verified.stdout, verified.stderr
            assert size_of(next((tmp_path / "witness" / "logs").iterdir())) == size_of(cosigned)
        finally:
            witness.stop()
        failures = metric(server, "bulkhead_audit_witness_failures_total")
        assert read_persons(server) == 200
        wait_for(lambda: metric(server, "bulkhead_audit_witness_failures_total") > failures)
        assert "is not cosigned by" in server.output.read_text()


def test_a_witness_needs_its_key(tmp_path):
    with BulkheadServer() as server:
        server.stop()
        for arguments, reason in ((["--witness", "http://127.0.0.1:1"], "needs its --witness-key"),
                                  (["--witness", "127.0.0.1:1", "--witness-key", "x"], "expected http"),
                                  (["--witness", "http://127.0.0.1:1", "--witness-key", "x"], "not the public key of a witness")):
            refused = subprocess.run([binary(), "serve", str(server.data), "--listen", "127.0.0.1:0", *arguments],
                                     capture_output=True, text=True)
            assert refused.returncode == 1 and reason in refused.stderr, refused.stderr
