"""The policy file in the running server: what it rules from when on, what is refused, and what stands on record."""

import datetime
import json
import subprocess
import time

import pytest
from bulkhead_server import BulkheadServer, binary
from policy_file import metrics, wait_for_metric, write

DROP_PLAN = 'schema = 1\n[[project.1.rule]]\nproperty = "plan"\naction = "drop"\n'


def command(server, *words):
    return subprocess.run([binary(), "policy", *map(str, words)], capture_output=True, text=True, check=False)


def send(server, name, headers=None, **properties):
    body = json.dumps([{"event": name, "properties": {
        "token": server.token, "distinct_id": "u1", "time": int(time.time()), **properties}}]).encode()
    status, _, answer = server.request("POST", "/track", body, {"Content-Type": "application/json", **(headers or {})})
    assert (status, answer) == (200, b"1")


def stored_all(server):
    server.wait_until_queryable()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return server.export(today - datetime.timedelta(40), today)


def stored(server, name):
    return [event["properties"] for event in stored_all(server) if event["event"] == name]


def test_a_change_rules_what_comes_after_it_and_stands_on_record(server):
    send(server, "Before", plan="pro")
    write(server, DROP_PLAN)
    wait_for_metric(server, "bulkhead_policy_version 1")
    send(server, "After", plan="pro")
    before, after = stored(server, "Before")[0], stored(server, "After")[0]
    assert before["plan"] == "pro" and "$policy_version" not in before
    assert "plan" not in after and after["$policy_version"] == 1
    status = command(server, "status", server.data)
    assert status.returncode == 0 and "in force: version 1" in status.stdout, status
    history = command(server, "history", server.data).stdout.splitlines()
    assert len(history) == 1 and " 1 version " in history[0]
    verified = subprocess.run([binary(), "audit", "verify", str(server.data)], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified


def test_a_file_with_mistakes_is_refused_and_the_one_before_stays(server):
    write(server, DROP_PLAN)
    wait_for_metric(server, "bulkhead_policy_version 1")
    write(server, DROP_PLAN + "colour = 3\n")
    wait_for_metric(server, "bulkhead_policy_trouble 1")
    assert "bulkhead_policy_version 1" in metrics(server).splitlines()
    assert "policy.toml" in server.request("GET", "/healthz")[2].decode()
    status = command(server, "status", server.data)
    assert status.returncode == 1 and "policy.toml:5: project.1.rule[0].colour" in status.stderr, status
    send(server, "Kept", plan="pro")
    assert "plan" not in stored(server, "Kept")[0]
    # Over a restart of all too, and of intake alone.
    server.stop()
    server.start()
    wait_for_metric(server, "bulkhead_policy_trouble 1")
    send(server, "Later", plan="pro")
    assert "plan" not in stored(server, "Later")[0]
    assert any(" refused policy.toml:5" in line for line in command(server, "history", server.data).stdout.splitlines())
    write(server, "schema = 1\n")
    wait_for_metric(server, "bulkhead_policy_version 2")


def test_a_first_policy_with_mistakes_stops_the_start():
    server = BulkheadServer()
    write(server, 'schema = 1\n[project.1]\nmode = "loose"\n')
    with pytest.raises(Exception):
        server.start(timeout_s=10)
    assert "policy.toml:3: project.1.mode" in server.output.read_text()


def test_consent_headers_count_by_policy(server):
    write(server, 'schema = 1\n[project.1.consent]\nopt_out_properties = ["$opt_out"]\ndnt = "drop"\ngpc = "without-person"\n')
    wait_for_metric(server, "bulkhead_policy_version 1")
    send(server, "Refused", {"DNT": "1"})
    send(server, "Nobody", {"Sec-GPC": "1"})
    send(server, "Out", **{"$opt_out": True})
    send(server, "Plain")
    names = {event["event"]: event["properties"] for event in stored_all(server)}
    assert set(names) == {"Nobody", "Plain"}
    assert not names["Nobody"].get("distinct_id") and names["Plain"]["distinct_id"]


def test_allow_list_mode_drops_what_nothing_names(server):
    write(server, 'schema = 1\n[project.1]\nmode = "allow-list"\nallow = ["plan", "utm_*"]\n')
    wait_for_metric(server, "bulkhead_policy_version 1")
    send(server, "Known", plan="pro", utm_source="news", colour="red", **{"$browser": "Chrome"})
    properties = stored(server, "Known")[0]
    assert properties["plan"] == "pro" and properties["utm_source"] == "news" and properties["$browser"] == "Chrome"
    assert "colour" not in properties


def test_retention_takes_old_events_out(server):
    now = int(time.time())
    server.import_events([
        {"event": name, "properties": {"distinct_id": "u1", "time": now - days * 86400, "$insert_id": f"{days}-{name[0]}"}}
        for name in ("debug_timing", "Paid") for days in (0, 3, 20)])
    assert len(stored_all(server)) == 6
    write(server, 'schema = 1\n[project.1.retention]\ndays = 10\nevent = [{ name = "debug_*", days = 1 }]\n')
    deadline = time.time() + 60
    while len(stored_all(server)) != 3:
        assert time.time() < deadline, stored_all(server)
        time.sleep(0.5)
    kept = sorted((event["event"], round((now - event["properties"]["time"]) / 86400)) for event in stored_all(server))
    assert kept == [("Paid", 0), ("Paid", 3), ("debug_timing", 0)]


def test_shared_reports_show_nothing_of_few_people(server):
    write(server, "schema = 1\n[project.1]\nsmall_count = 4\n")
    wait_for_metric(server, "bulkhead_policy_version 1")
    for plan, people in (("free", 9), ("pro", 5), ("team", 3)):
        for person in range(people):
            send(server, "Opened", plan=plan, distinct_id=f"{plan}-{person}")
    server.wait_until_queryable()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    report = {"report": "insights", "from": str(today - datetime.timedelta(1)), "to": str(today), "unit": "month",
              "metrics": [{"event": "Opened"}], "breakdown": [{"property": "plan"}]}
    whole = {series["segment"][0]: series["overall"] for series in server.query(report)["series"]}
    assert whole == {"free": 9, "pro": 5, "team": 3}
    deadline = time.time() + 10
    while True:
        shared = {series["segment"][0]: series["overall"] for series in server.query({**report, "shared": True})["series"]}
        if shared == {"free": 9, "pro": None}:
            break
        assert time.time() < deadline, shared
        time.sleep(0.2)
    status, _, body = server.post_json("/api/v1/query", {"report": "people", "shared": True, "project_id": server.project}, authorized=True)
    assert status == 400 and b"shared" in body


def test_a_policy_is_tried_on_stored_events(server, tmp_path):
    for index in range(5):
        send(server, "Bought", plan="pro", note=f"n{index}")
    server.wait_until_queryable()
    candidate = tmp_path / "candidate.toml"
    candidate.write_text(DROP_PLAN)
    tried = command(server, "try", server.data, candidate)
    assert tried.returncode == 0, tried
    assert tried.stdout.splitlines()[0] == "5 events, 5 would change"
    assert "plan: keep -> drop" in tried.stdout
    assert stored(server, "Bought")[0]["plan"] == "pro"
    candidate.write_text("schema = 1\nnonsense = 1\n")
    refused = command(server, "try", server.data, candidate)
    assert refused.returncode == 1 and f"{candidate}:2: nonsense" in refused.stderr


def test_a_policy_is_checked_without_a_server(tmp_path):
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(DROP_PLAN)
    bad.write_text("schema = 2\n")
    checked = subprocess.run([binary(), "policy", "check", str(good)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0 and "project 1: 1 rules" in checked.stdout
    checked = subprocess.run([binary(), "policy", "check", str(bad)], capture_output=True, text=True, check=False)
    assert checked.returncode == 1 and f"{bad}:1: schema" in checked.stderr
