"""Requests of persons in the shapes of Mixpanel's GDPR API (contract 2, "GDPR v3"), against the running program."""

import base64
import json
import time

import pytest
from bulkhead_server import BulkheadServer

DELETIONS = "/api/app/data-deletions/v3.0"
RETRIEVALS = "/api/app/data-retrievals/v3.0"
DAY = 1768435200  # 15 January 2026


def event(name, user, number, **properties):
    return {"event": name, "properties": {"time": DAY + number, "distinct_id": user, "$insert_id": f"p-{number}", **properties}}


@pytest.fixture(scope="module")
def server():
    with BulkheadServer() as running:
        running.import_events([event("View", "ann", 1, plan="pro"), event("Buy", "ann", 2), event("View", "bob", 3),
                               event("View", "cy", 4)])
        running.post_json("/engage", [
            {"$token": running.token, "$distinct_id": name, "$set": {"$email": f"{name}@needle.example", "tier": "gold"}}
            for name in ("ann", "bob", "cy")])
        running.wait_until_queryable()
        yield running


def ask(server, method, path, body=None, authorization=None):
    """One call, a second after the last one."""
    time.sleep(1.05)
    data = None if body is None else json.dumps(body).encode()
    joint = "&" if "?" in path else "?"
    headers = {"Content-Type": "application/json", "Authorization": authorization or server.basic}
    status, _, raw = server.request(method, f"{path}{joint}token={server.token}", data, headers)
    return status, json.loads(raw) if raw else None


def wait_for(server, path, wanted, timeout_s=60):
    deadline = time.time() + timeout_s
    while time.time() < deadline:
        status, answer = ask(server, "GET", path)
        assert status == 200
        if answer["results"]["status"] == wanted:
            return answer["results"]
        assert answer["results"]["status"] in ("PENDING", "STAGING", "STARTED")
    raise AssertionError(f"not {wanted} in {timeout_s} seconds: {answer}")


def events_of(server, user):
    answer = server.get("/api/query/stream/query", distinct_ids=json.dumps([user]), from_date="2026-01-01",
                        to_date="2026-02-01")
    return [found["event"] for found in answer["results"]["events"]]


def test_retrieval_gives_behaviour_and_identity(server):
    status, answer = ask(server, "POST", RETRIEVALS + "/", {"distinct_ids": ["ann"], "compliance_type": "GDPR",
                                                            "disclosure_type": "Data"})
    assert status == 201 and answer["status"] == "ok"
    task = answer["results"]
    assert task["task_id"] == task["tracking_id"] and task["status"] == "PENDING" and task["distinct_id_count"] == 1
    assert task["requesting_user"] == server.username and task["destination_url"] is None
    done = wait_for(server, f"{RETRIEVALS}/{task['task_id']}", "SUCCESS")
    assert "ann" not in done["distinct_ids"] and len(done["distinct_ids"][0]) == 32
    assert done["result"].startswith(server.url + "/api/v1/person-data/")
    time.sleep(1.05)
    code, _, raw = server.request("GET", done["result"].removeprefix(server.url), headers={"Authorization": server.basic})
    assert code == 200
    person = json.loads(raw)["persons"][0]
    assert [found["event"] for found in person["events"]] == ["View", "Buy"]
    assert person["profile"]["tier"] == "gold"
    assert {"$email": "ann@needle.example"} == {known["field"]: known["value"] for known in person["identities"]}
    time.sleep(1.05)
    code, _, _ = server.request("GET", done["result"].removeprefix(server.url))
    assert code == 401


def test_deletion_takes_the_person_out_and_gives_a_receipt(server):
    began = time.time()
    status, answer = ask(server, "POST", DELETIONS, {"distinct_ids": ["ann", "bob"], "compliance_type": "CCPA"},
                         "Bearer " + base64.b64encode(f"{server.username}:{server.secret}".encode()).decode())
    assert status == 201
    path = f"{DELETIONS}/{answer['results']['tracking_id']}"
    done = wait_for(server, path, "SUCCESS")
    assert time.time() - began < 60
    assert done["receipt"] and "needle.example" not in done["receipt"]
    assert events_of(server, "ann") == [] and events_of(server, "bob") == [] and events_of(server, "cy") == ["View"]
    status, answer = ask(server, "DELETE", path)
    assert status == 405 and answer["status"] == "error"
    # Whoever asks for access now gets nothing, and asking again is harmless.
    status, answer = ask(server, "POST", RETRIEVALS, {"distinct_ids": ["ann"]})
    done = wait_for(server, f"{RETRIEVALS}/{answer['results']['task_id']}", "SUCCESS")
    time.sleep(1.05)
    code, _, raw = server.request("GET", done["result"].removeprefix(server.url), headers={"Authorization": server.basic})
    assert code == 200 and json.loads(raw)["persons"][0]["identities"] == []
    status, answer = ask(server, "POST", DELETIONS, {"distinct_ids": ["ann"]})
    wait_for(server, f"{DELETIONS}/{answer['results']['task_id']}", "SUCCESS")


def test_revoking(server):
    _, answer = ask(server, "POST", DELETIONS, {"distinct_ids": ["cy"]})
    path = f"{DELETIONS}/{answer['results']['task_id']}"
    status, answer = ask(server, "DELETE", path)
    assert status == 204 and answer is None
    wait_for(server, path, "REVOKED")
    time.sleep(4)
    assert events_of(server, "cy") == ["View"]


def test_errors(server):
    assert ask(server, "POST", DELETIONS, {"distinct_ids": []})[0] == 400
    status, answer = ask(server, "POST", DELETIONS, {"distinct_ids": [str(n) for n in range(2001)]})
    assert status == 400 and "distinct_ids" in answer["error"]
    assert ask(server, "GET", f"{DELETIONS}/unknown")[1]["results"]["status"] == "NOT_FOUND"
    assert ask(server, "DELETE", f"{DELETIONS}/unknown")[0] == 404
    assert ask(server, "GET", f"{DELETIONS}/unknown", authorization="Basic eDp5")[0] == 401
    time.sleep(1.05)
    answers = [server.request("GET", f"{DELETIONS}/unknown?token={server.token}", headers={"Authorization": server.basic})[0]
               for _ in range(2)]
    assert answers == [200, 429]


def test_tasks_survive_a_restart_and_name_nobody(server):
    _, answer = ask(server, "POST", RETRIEVALS, {"distinct_ids": ["cy"]})
    server.kill()
    server.start()
    wait_for(server, f"{RETRIEVALS}/{answer['results']['task_id']}", "SUCCESS")
    for file in server.data.rglob("person_requests/*"):
        assert server.username.encode() not in file.read_bytes()
