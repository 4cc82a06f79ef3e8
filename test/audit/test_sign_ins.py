"""Sign-ins and refused ones of the real server stand in its audit log, counted, without what was typed."""

import base64
import time

from audit_log import audit_entries


def ask(server, name, secret, target="/api/v1/stats"):
    basic = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return server.request("GET", f"{target}?project_id={server.project}", headers={"Authorization": f"Basic {basic}"})[0]


def sign_ins(server):
    return [(entry["actor"], entry["outcome"], entry["scope"], entry.get("count", 0))
            for entry in audit_entries(server) if entry["action"] == "sign-in"]


def wait_for(condition, seconds=15):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline
        time.sleep(0.1)


def test_a_first_use_is_on_record_once_at_each_door(server):
    for _ in range(3):
        assert ask(server, server.username, server.secret) == 200
    assert sign_ins(server) == [(server.username, "allowed", "queries", 1)]
    server.import_events([{"event": "a", "properties": {"time": int(time.time()), "distinct_id": "u", "$insert_id": "i1"}}])
    wait_for(lambda: (server.username, "allowed", "import", 1) in sign_ins(server))
    assert len(sign_ins(server)) == 2


def test_refusals_are_counted_and_hold_nothing_that_was_typed(server):
    assert ask(server, server.username, "hunter2-is-wrong") == 401
    assert ask(server, "jane@example.com", "hunter2-is-wrong") == 401
    wait_for(lambda: len(sign_ins(server)) >= 2)
    assert sorted(entry[:3] for entry in sign_ins(server)) == sorted(
        [(server.username, "denied", "queries"), ("unknown", "denied", "queries")])
    log = b"".join(path.read_bytes() for path in (server.data / "audit").rglob("*") if path.is_file())
    assert b"hunter2" not in log and b"jane" not in log
