"""Rules of the query paths where a plausible answer would be a wrong one: who is selected, what counts as the same, what is refused."""

import json
import urllib.parse

import pytest
from bulkhead_server import BulkheadServer

DAY = 1768435200  # 15 January 2026, 00:00 UTC
HOUR = 3600
RANGE = {"from_date": "2026-01-15", "to_date": "2026-01-17"}


def event(name, user, time, **properties):
    number = event.counter = getattr(event, "counter", 0) + 1
    return {"event": name, "properties": {"time": time, "distinct_id": user, "$insert_id": f"r-{number}", **properties}}


@pytest.fixture(scope="module")
def server():
    with BulkheadServer() as running:
        running.import_events(history())
        running.post_json("/engage", [
            {"$token": running.token, "$distinct_id": f"u{i}", "$set": {"rank": i}, "$ignore_time": True} for i in range(40)])
        running.wait_until_queryable()
        yield running


def history():
    return [event("Seen", f"u{i}", DAY + i * 60, rank=i) for i in range(40)]


def ask(server, method, target, form=None, **parameters):
    """(status, JSON value)"""
    query = urllib.parse.urlencode({"project_id": server.project, **parameters})
    body = urllib.parse.urlencode(form).encode() if form is not None else None
    status, _, answer = server.request(method, f"{target}?{query}", body, authorized=True)
    return status, json.loads(answer)


def audit_lines(server):
    return [json.loads(line) for line in (server.data / "audit" / "audit.ndjson").read_text().splitlines()]


def test_many_persons_are_read_and_each_is_recorded(server):
    names = json.dumps([f"u{i}" for i in range(40)])
    found = server.profiles(distinct_ids=names)
    assert len(found) == 40
    pids = sorted(p["$distinct_id"] for p in found)
    line = audit_lines(server)[-1]
    assert line["action"] == "engage" and sorted(line["subjects"]) == pids and line["count"] == 40
    answer = server.get("/api/query/stream/query", distinct_ids=names, **RANGE)
    assert len(answer["results"]["events"]) == 40
    line = audit_lines(server)[-1]
    assert line["action"] == "stream/query" and sorted(line["subjects"]) == pids
    people = server.query({"report": "people", "subjects": pids})
    assert people["total"] == 40
    line = audit_lines(server)[-1]
    assert line["action"] == "query people" and sorted(line["subjects"]) == pids


def test_more_persons_than_a_line_holds(server):
    before = len(audit_lines(server))
    assert len(server.profiles(distinct_ids=json.dumps([f"u{i}" for i in range(1500)]))) == 40
    lines = audit_lines(server)[before:]
    assert [len(line["subjects"]) for line in lines] == [1000, 500]
    status, answer = ask(server, "POST", "/api/query/engage", {"distinct_ids": json.dumps([f"u{i}" for i in range(2001)])})
    assert status == 400 and answer["error"].startswith("distinct_ids")


def test_an_empty_list_selects_nobody(server):
    assert server.profiles(distinct_ids="[]") == []
    assert server.query({"report": "people", "subjects": []})["total"] == 0
    assert server.query({"report": "people"})["total"] == 40


def test_selector_is_where(server):
    assert len(server.profiles(selector='user["rank"] >= 38')) == 2
    assert len(server.profiles(selector='user["rank"] >= 38', where='user["rank"] >= 38')) == 2
    status, answer = ask(server, "POST", "/api/query/engage", {"selector": "true", "where": 'user["rank"] == 1'})
    assert status == 400 and answer["error"].startswith("selector")


@pytest.mark.parametrize("where, what", [
    ("1", "column 1"), ('"Seen"', "column 1"), ("null", "column 1"), ('properties["rank"] + 1', "column 1"),
    ('properties["rank"] == 1 and 5', "and needs booleans"), ('"x" or properties["rank"] == 1', "or needs booleans"),
    ('not "x"', "not needs a boolean")])
def test_what_is_never_a_condition_is_refused(server, where, what):
    status, answer = ask(server, "GET", "/api/query/segmentation", event="Seen", where=where, **RANGE)
    assert status == 400 and answer["error"].startswith("where: ") and what in answer["error"]
    status, answer = ask(server, "POST", "/api/query/engage", {"where": where})
    assert status == 400 and answer["error"].startswith("where: ")


def seen(server, where):
    return sum(server.get("/api/query/segmentation", event="Seen", where=where, **RANGE)["data"]["values"]["Seen"].values())


def test_the_order_of_operands_does_not_matter(server):
    assert seen(server, 'properties["rank"] or true') == seen(server, 'true or properties["rank"]') == 0
    assert seen(server, 'boolean(properties["rank"]) or true') == 40


def test_fields_of_events_have_names_of_properties(server):
    assert seen(server, f'properties["time"] < {DAY + 120}') == 2
    pid = server.profiles(distinct_ids='["u7"]')[0]["$distinct_id"]
    assert seen(server, f'properties["distinct_id"] == "{pid}"') == 1
    assert seen(server, f'properties["$distinct_id"] == "{pid}"') == 1
    assert len(server.export("2026-01-15", "2026-01-17", where=f'properties["$distinct_id"] == "{pid}"')) == 1
    assert len(server.profiles(where=f'properties["$distinct_id"] == "{pid}"')) == 1
