"""The server is several processes: one that ends is started again, and nobody else notices."""

import os
import re
import signal
import time

import pytest

from bulkhead_server import BulkheadServer

COMPARTMENTS = ["audit", "vault", "core", "egress", "intake"]


def wait_for(condition, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.02)


def event(number):
    return {"event": "ping", "properties": {"time": 1763000000 + number, "distinct_id": f"person-{number}",
                                            "$insert_id": f"n{number}"}}


@pytest.fixture(scope="module")
def server():
    with BulkheadServer() as running:
        yield running


def restarts(server, name):
    _, _, body = server.request("GET", "/metrics")
    line = next(line for line in body.decode().splitlines()
                if line.startswith(f'bulkhead_compartment_restarts_total{{compartment="{name}"}}'))
    return int(line.split()[-1])


def test_every_compartment_is_a_process(server):
    assert sorted(server.compartments()) == sorted(COMPARTMENTS)


@pytest.mark.parametrize("name", COMPARTMENTS)
def test_one_that_is_killed_comes_back_and_the_others_stay(server, name):
    before = server.compartments()
    told = restarts(server, name)
    count = server.count("ping", "2025-11-13", "2025-11-13")
    os.kill(before[name], signal.SIGKILL)
    wait_for(lambda: server.compartments().get(name) not in (None, before[name]))
    server.wait_until_queryable()
    after = server.compartments()
    assert {k: v for k, v in after.items() if k != name} == {k: v for k, v in before.items() if k != name}
    assert restarts(server, name) == told + 1
    server.import_events([event(1000 * COMPARTMENTS.index(name) + i) for i in range(10)])
    server.wait_until_queryable()
    assert server.count("ping", "2025-11-13", "2025-11-13") == count + 10


def test_events_are_taken_while_core_is_away(server):
    core = server.compartments()["core"]
    os.kill(core, signal.SIGSTOP)
    try:
        server.import_events([event(90_000 + i) for i in range(10)])
    finally:
        os.kill(core, signal.SIGCONT)
    server.wait_until_queryable()


def test_a_read_of_persons_needs_the_audit_log(server):
    audit = server.compartments()["audit"]
    query = f"/api/query/engage?project_id={server.project}"
    assert server.request("POST", query, b"", authorized=True)[0] == 200
    os.kill(audit, signal.SIGKILL)
    statuses = set()
    wait_for(lambda: statuses.add(server.request("POST", query, b"", authorized=True)[0]) or 200 in statuses)
    assert statuses <= {200, 503}


def test_a_restart_storm_is_visible(server):
    for _ in range(6):
        pid = server.compartments().get("egress")
        if pid:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: server.compartments().get("egress") not in (None, pid))
    _, _, body = server.request("GET", "/metrics")
    assert 'bulkhead_compartment_restart_storm{compartment="egress"} 1' in body.decode()
    server.wait_until_queryable()


def test_a_server_whose_supervisor_is_killed_ends_and_can_be_started_again():
    with BulkheadServer() as server:
        children = server.compartments()
        server.process.kill()
        server.process.wait()
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children.values()))
        server.start()
        server.import_events([event(1)])


def test_a_compartment_that_fills_the_disk_is_ended(server):
    flood = [server.data / "vault" / f"flood-{i}" for i in range(1001)]
    for file in flood:
        file.touch()
    wait_for(lambda: "vault is ended: it has" in server.output_text())
    for file in flood:
        file.unlink()
    wait_for(server.healthy)
    metrics = server.request("GET", "/metrics")[2].decode()
    assert re.search(r'^bulkhead_compartment_restarts_total\{compartment="vault"\} [1-9]', metrics, re.M), metrics
    assert re.search(r'^bulkhead_compartment_disk_bytes\{compartment="egress"\} [1-9]', metrics, re.M), metrics


def test_the_supervisor_confines_itself(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        status = file.read()
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
