"""The account of the commands: one secret for intake and one for core, given out over the control socket, and no longer good than the
server runs."""

import base64
import json
import socket
import subprocess

from bulkhead_server import BulkheadServer, binary, free_port
from search import search

EVENT = {"event": "Counted", "properties": {"time": 1768435200, "distinct_id": "u1", "$insert_id": "i-1"}}
QUESTION = {"report": "insights", "from": "2026-01-10", "to": "2026-01-20", "unit": "month",
            "metrics": [{"event": "Counted", "math": "total"}]}


def account(server, compartment):
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(server.data / "control.sock"))
        control.sendall(f"account {compartment}\n".encode())
        return json.loads(control.makefile().readline())


def post(server, target, value, credentials):
    headers = {"Content-Type": "application/json", "Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}
    return server.request("POST", target, json.dumps(value).encode(), headers)[0]


def may_import(server, credentials):
    return post(server, f"/import?strict=1&project_id={server.project}", [EVENT], credentials)


def may_ask(server, credentials):
    return post(server, "/api/v1/query", {"project_id": server.project, **QUESTION}, credentials)


def test_what_imports_bring_along_asks_nothing(server):
    importer, asker = account(server, "intake")["answer"], account(server, "core")["answer"]
    assert importer.startswith("operator.") and asker.startswith("operator.")
    assert (may_import(server, importer), may_ask(server, importer)) == (200, 401)
    assert (may_import(server, asker), may_ask(server, asker)) == (401, 200)
    assert "error" in account(server, "vault")


def test_it_ends_with_the_server(server):
    importer, asker = account(server, "intake")["answer"], account(server, "core")["answer"]
    server.stop()
    server.start()
    assert (may_import(server, importer), may_ask(server, asker)) == (401, 401)


def test_its_secrets_are_in_no_file(server, tmp_path):
    secrets = {account(server, name)["answer"].partition(":")[2]: name for name in ("intake", "core")}
    assert len(secrets) == 2 and not search(secrets, server.copy_data(tmp_path / "copy"), tmp_path)


def test_commands_find_the_listener_that_answers_them(tmp_path):
    events, report = tmp_path / "events.ndjson", tmp_path / "report.json"
    events.write_text(json.dumps(EVENT) + "\n")
    with BulkheadServer(extra_arguments=["--console", f"127.0.0.1:{free_port()}"]) as server:
        report.write_text(json.dumps({"project_id": server.project, **QUESTION}))
        for words in (["import", server.data, events], ["query", server.data, report, "--format", "json"]):
            done = subprocess.run([binary(), *map(str, words)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done
            server.wait_until_queryable()
        assert json.loads(done.stdout)["series"][0]["overall"] == 1
