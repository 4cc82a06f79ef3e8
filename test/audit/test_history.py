"""Checkpoints noted elsewhere, witnesses and receipts: what a log cannot hide by showing another history."""

import http.server
import re
import shutil
import subprocess
import threading
import urllib.error
import urllib.request

import pytest
from audit_tools import binary, build_go_verifier, make_log, ours, theirs


@pytest.fixture(scope="module")
def verifier(tmp_path_factory):
    return build_go_verifier(tmp_path_factory.mktemp("verifier"))


def bulkhead(*arguments, fails=False):
    done = subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def test_growth_continues_every_noted_checkpoint(tmp_path, verifier):
    log, noted = tmp_path / "log", []
    for step, count in enumerate((1, 254, 1, 1, 300, 2)):
        make_log(log, count)
        noted.append(tmp_path / f"noted-{step}")
        shutil.copy(log / "checkpoint", noted[-1])
    for one in noted:
        assert ours(log, "--cosigned", one)[0]
    flags = [part for one in noted for part in ("-noted", one)]
    verified, words = theirs(verifier, log, *flags)
    assert verified, words
    assert "559 entries" in words


def test_an_older_copy_and_another_history_are_found(tmp_path, verifier):
    log, fork = tmp_path / "log", tmp_path / "fork"
    make_log(log, 300)
    shutil.copytree(log, fork)
    make_log(log, 5)
    noted = tmp_path / "noted"
    shutil.copy(log / "checkpoint", noted)
    assert ours(fork)[0] and theirs(verifier, fork)[0]  # by itself it looks right
    assert "305" in ours(fork, "--cosigned", noted)[1] and not ours(fork, "--cosigned", noted)[0]
    assert not theirs(verifier, fork, "-noted", noted)[0]
    make_log(fork, 9, subjects=2)  # other entries, under the log's own key
    assert ours(fork)[0] and theirs(verifier, fork)[0]
    assert "another history" in ours(fork, "--cosigned", noted)[1]
    assert not theirs(verifier, fork, "-noted", noted)[0]


def test_receipts_are_confirmed_by_both(tmp_path, verifier):
    log, receipt = make_log(tmp_path / "log", 600), tmp_path / "receipt"
    for index in (0, 255, 256, 599):
        bulkhead("audit", "receipt", log, "--index", index, "--out", receipt)
        assert f"entry {index} of log.example/audit" in bulkhead("audit", "check-receipt", receipt, "--key", log / "audit.pub")
        done = subprocess.run([verifier, "-key", log / "audit.pub", "-receipt", receipt], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    good = receipt.read_bytes()
    for at in range(0, len(good), 7):
        receipt.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        bulkhead("audit", "check-receipt", receipt, "--key", log / "audit.pub", fails=True)
        done = subprocess.run([verifier, "-key", log / "audit.pub", "-receipt", receipt], capture_output=True, text=True)
        assert done.returncode != 0, at
    bulkhead("audit", "receipt", log, "--index", 600, fails=True)


def test_a_witness_that_fetches(tmp_path, verifier):
    log, state, out = make_log(tmp_path / "log", 300), tmp_path / "witness", tmp_path / "cosigned"
    fork = shutil.copytree(log, tmp_path / "fork")
    fetch = ["witness", state, "--log-key", log / "audit.pub", "--once", "--out", out, "--log"]
    bulkhead(*fetch, log)
    key = (state / "witness.pub").read_text().strip()
    make_log(log, 300)
    assert ours(log, "--cosigned", out, "--witness-key", key)[0]
    assert theirs(verifier, log, "-noted", out)[0]
    bulkhead(*fetch, log)
    assert "has 300 entries and had 600" in bulkhead(*fetch, fork, fails=True)
    make_log(fork, 400, subjects=1)
    assert "does not continue" in bulkhead(*fetch, fork, fails=True)
    assert not ours(log, "--cosigned", out, "--witness-key", key.replace("witness/", "witnezz/"))[0]

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(log))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        make_log(log, 77)
        bulkhead(*fetch, f"http://127.0.0.1:{web.server_address[1]}")
        web.shutdown()
        thread.join()
    assert out.read_text().split("\n")[1] == "677"


def test_a_witness_that_serves(tmp_path, verifier):
    log, state, out = make_log(tmp_path / "log", 3), tmp_path / "witness", tmp_path / "cosigned"
    process = subprocess.Popen([binary(), "witness", state, "--log-key", log / "audit.pub", "--listen", "127.0.0.1:0",
                                "--name", "witness.example/w1"], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        key, port = re.match(r"(\S+) signs for 1 logs on port (\d+)", line).groups()
        assert key.startswith("witness.example/w1+")
        ask = ["audit", "cosign", log, "--witness", f"http://127.0.0.1:{port}", "--witness-key", key, "--out", out]
        for more in (0, 5, 300):
            make_log(log, more) if more else None
            bulkhead(*ask)
            assert ours(log, "--cosigned", out, "--witness-key", key)[0]
            assert theirs(verifier, log, "-noted", out)[0]
        for path, body, status in (("/add-checkpoint", b"nonsense", 400), ("/other", b"", 404),
                                   ("/add-checkpoint", b"x" * 200_000, 413),
                                   ("/add-checkpoint", b"old 0\n\n" + (log / "checkpoint").read_bytes(), 409)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body))
            assert refused.value.code == status
        assert refused.value.headers["Content-Type"] == "text/x.tlog.size" and refused.value.read() == b"308\n"
    finally:
        process.terminate()
        assert process.wait(10) == 0
