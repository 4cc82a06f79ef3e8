"""Rules of the query paths where a plausible answer would be a wrong one: who is selected, what counts as the same, what is refused."""

import datetime
import json
import time
import urllib.parse

import pytest
from audit_log import audit_entries, subjects_of
from bulkhead_server import BulkheadServer

DAY = 1768435200  # 15 January 2026, 00:00 UTC
HOUR = 3600
NOW = int(time.time())
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
    return [event("Seen", f"u{i}", DAY + i * 60, rank=i) for i in range(40)] + [
        # One text in two types, and three kinds of nothing.
        event("Mixed", "u1", DAY, v="1"), event("Mixed", "u1", DAY + HOUR, v=1), event("Mixed", "u2", DAY, v=1),
        event("Mixed", "u3", DAY, v="undefined"), event("Mixed", "u3", DAY + 60, v=None), event("Mixed", "u3", DAY + 120),
        *[event("Scale", "u1", DAY + i * 60, x=i / 10, y=2) for i in range(11)],
        event("Step", "u1", DAY + HOUR, plan="pro", size="big"), event("Done", "u1", DAY + 2 * HOUR),
        event("Step", "u2", DAY + HOUR, plan="pro", size="small"), event("Done", "u2", DAY + 2 * HOUR),
        event("Step", "u3", DAY + HOUR, plan="free", size="big"), event("Done", "u3", DAY + 2 * HOUR),
        event("Fresh", "u1", NOW - 60), event("Fresh", "u2", NOW - 60)]


def ask(server, method, target, form=None, **parameters):
    """(status, JSON value)"""
    query = urllib.parse.urlencode({"project_id": server.project, **parameters})
    body = urllib.parse.urlencode(form).encode() if form is not None else None
    status, _, answer = server.request(method, f"{target}?{query}", body, authorized=True)
    return status, json.loads(answer)


def test_many_persons_are_read_and_each_is_recorded(server):
    names = json.dumps([f"u{i}" for i in range(40)])
    found = server.profiles(distinct_ids=names)
    assert len(found) == 40
    pids = sorted(p["$distinct_id"] for p in found)

    def assert_recorded(action):
        entry = audit_entries(server)[-1]
        assert entry["action"] == action and entry["count"] == 40 and "subjects" not in entry
        assert entry["set"]["count"] == 40 and subjects_of(server, entry) == pids

    assert_recorded("engage")
    answer = server.get("/api/query/stream/query", distinct_ids=names, **RANGE)
    assert sum(e["event"] == "Seen" for e in answer["results"]["events"]) == 40
    assert_recorded("stream/query")
    people = server.query({"report": "people", "subjects": pids})
    assert people["total"] == 40
    assert_recorded("query people")


def test_any_number_of_persons_is_one_entry(server):
    before = len(audit_entries(server))
    assert len(server.profiles(distinct_ids=json.dumps([f"u{i}" for i in range(1500)]))) == 40
    entries = audit_entries(server)[before:]
    assert [entry["set"]["count"] for entry in entries] == [1500]
    assert len(subjects_of(server, entries[0])) == 1500
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


def rows(server, target, **parameters):
    """The first date's number of every row; a JSON object with two members of one name would be a mistake."""
    query = urllib.parse.urlencode({"project_id": server.project, **RANGE, **parameters})
    status, _, body = server.request("GET", f"{target}?{query}", authorized=True)
    assert status == 200, body

    def once(pairs):
        assert len({name for name, _ in pairs}) == len(pairs), pairs
        return dict(pairs)

    answer = json.loads(body, object_pairs_hook=once)
    return answer if "data" not in answer else answer["data"]


def first_day(data):
    return {name: values["2026-01-15"] for name, values in data["values"].items()}


def test_values_that_read_the_same_are_one_row(server):
    for type, expected in (("general", {"1": 3, "undefined": 3}), ("unique", {"1": 2, "undefined": 1}),
                           ("average", {"1": 1.5, "undefined": 3})):
        data = rows(server, "/api/query/segmentation", event="Mixed", on='properties["v"]', type=type)
        assert first_day(data) == expected, type
    data = rows(server, "/api/query/events/properties", event="Mixed", name="v", type="unique", values='["1"]')
    assert first_day(data) == {"1": 2}
    addiction = rows(server, "/api/query/retention/addiction", event="Mixed", on='properties["v"]', unit="day", addiction_unit="hour")
    assert addiction["2026-01-15"]["1"][:2] == [2, 1]
    retention = rows(server, "/api/query/retention", retention_type="birth", born_event="Mixed", on='properties["v"]', unit="day")
    assert retention["2026-01-15"]["1"]["first"] == 2


def test_an_event_named_twice_is_counted_once(server):
    data = rows(server, "/api/query/events", event='["Seen","Seen"]', type="general", unit="day")
    assert first_day(data) == {"Seen": 40}


def test_numeric_ranges_begin_where_they_say(server):
    data = rows(server, "/api/query/segmentation/numeric", event="Scale", on='properties["x"]', unit="day")
    assert first_day(data) == {f"{i / 10:g} - {(i + 1) / 10:g}": 1 for i in range(11)}
    assert first_day(rows(server, "/api/query/segmentation/numeric", event="Scale", on='properties["x"] * properties["y"]',
                          unit="day"))["0.2 - 0.4"] == 1
    sums = rows(server, "/api/query/segmentation/sum", event="Scale", on='properties["x"] * properties["y"]', unit="day")
    assert sums["results"]["2026-01-15"] == pytest.approx(11)


def save(server, name, **definition):
    status, _, body = server.post_json("/api/v1/funnels", {
        "project_id": server.project, "name": name, "steps": [{"event": "Step"}, {"event": "Done"}], **definition}, authorized=True)
    return status, json.loads(body)


def test_a_saved_funnels_condition_stays(server):
    status, answer = save(server, "Pro", where='properties["plan"] == "pro"')
    assert status == 201

    def steps(**parameters):
        data = rows(server, "/api/query/funnels", funnel_id=answer["id"], **parameters)
        return [step["count"] for step in data["2026-01-15"]["steps"]]

    assert steps() == [2, 2]
    assert steps(where='properties["size"] == "big"') == [1, 1]


def test_a_funnel_that_is_never_answered_is_not_saved(server):
    for wrong, why in (({"order": "any", "exclude": [{"event": "Other"}]}, "exclude: with loose order only"),
                       ({"count": "sessions", "window": {"value": 1, "unit": "session"}},
                        "window.unit: a funnel counted by sessions lies in one session")):
        status, answer = save(server, "Never", **wrong)
        assert status == 400 and answer["error"] == why
        report = {"project_id": server.project, "report": "funnel", "from": "2026-01-15", "to": "2026-01-15",
                  "steps": [{"event": "Step"}, {"event": "Done"}], **wrong}
        status, _, body = server.post_json("/api/v1/query", report, authorized=True)
        assert status == 400 and json.loads(body)["error"] == answer["error"]


def test_retention_ends_with_the_present(server):
    born = datetime.datetime.fromtimestamp(NOW - 60, datetime.timezone.utc).date()
    answer = server.get("/api/query/retention", retention_type="birth", born_event="Fresh", unit="day", interval_count=5,
                        from_date=str(born), to_date=str(born))[str(born)]
    assert answer["first"] == 2 and 1 <= len(answer["counts"]) <= 2
    status, answer = ask(server, "GET", "/api/query/retention", born_event="Fresh", interval_count=367, **RANGE)
    assert status == 400 and answer["error"].startswith("interval_count")


def test_the_project_may_stand_in_the_query_string(server):
    report = {"report": "insights", "from": "2026-01-15", "to": "2026-01-15", "metrics": [{"event": "Seen"}]}
    status, _, body = server.post_json(f"/api/v1/query?project_id={server.project}", report, authorized=True)
    assert status == 200 and json.loads(body)["series"][0]["overall"] == 40
    status, _, _ = server.post_json(f"/api/v1/query?project_id={server.project}", {**report, "project_id": server.project + 1},
                                    authorized=True)
    assert status == 400


def test_the_rest_is_marked(server):
    answer = server.query({"report": "insights", "from": "2026-01-15", "to": "2026-01-15", "metrics": [{"event": "Seen"}],
                           "breakdown": ["rank"], "limit": 3})
    assert [series.get("other", False) for series in answer["series"]] == [False, False, False, True]
    assert answer["series"][3]["overall"] == 37


def test_an_export_has_no_insert_ids(server):
    lines = server.export("2026-01-15", "2026-01-17", limit=5)
    assert len(lines) == 5 and all("$insert_id" not in line["properties"] for line in lines)
