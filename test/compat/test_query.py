"""Mixpanel's query paths: shapes of the answers and a small data set whose numbers can be counted by hand (contract 2)."""

import json
import urllib.parse

import pytest
from bulkhead_server import BulkheadServer

DAY = 1768435200  # 15 January 2026, 00:00 UTC
RANGE = {"from_date": "2026-01-15", "to_date": "2026-01-17"}


def event(name, user, time, **properties):
    number = event.counter = getattr(event, "counter", 0) + 1
    return {"event": name, "properties": {"time": time, "distinct_id": user, "$insert_id": f"q-{number}", **properties}}


def history():
    """Three days, four people: ann and bob sign up and buy, cy only looks, dee signs up and comes back."""
    hour = 3600
    return [
        event("View", "ann", DAY + 1 * hour, plan="pro", price=10), event("View", "bob", DAY + 2 * hour, plan="free", price=20),
        event("View", "cy", DAY + 3 * hour, plan="free", price=30), event("View", "dee", DAY + 26 * hour, plan="pro", price=40),
        event("Sign Up", "ann", DAY + 2 * hour, plan="pro"), event("Sign Up", "bob", DAY + 4 * hour, plan="free"),
        event("Sign Up", "dee", DAY + 27 * hour, plan="pro"),
        event("Buy", "ann", DAY + 5 * hour, amount=5), event("Buy", "bob", DAY + 30 * hour, amount=7),
        event("View", "dee", DAY + 50 * hour, plan="pro", price=60),
    ]


@pytest.fixture(scope="module")
def server():
    with BulkheadServer() as running:
        running.import_events(history())
        running.post_json("/engage", [
            {"$token": running.token, "$distinct_id": name, "$set": {"tier": tier, "score": score}, "$ignore_time": True}
            for name, tier, score in (("ann", "gold", 3), ("bob", "tin", 1), ("dee", "gold", 2))])
        running.wait_until_queryable()
        yield running


@pytest.mark.parametrize("base", ["/api/query", "/api/2.0"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_segmentation(server, base, slash):
    answer = server.get(f"{base}/segmentation{slash}", event="View", unit="day", **RANGE)
    assert answer["data"]["series"] == ["2026-01-15", "2026-01-16", "2026-01-17"]
    assert answer["data"]["values"] == {"View": {"2026-01-15": 3, "2026-01-16": 1, "2026-01-17": 1}}
    assert answer["legend_size"] == 1


def test_segmentation_on_where_type(server):
    answer = server.get("/api/query/segmentation", event="View", unit="day", on='properties["plan"]', type="unique", **RANGE)
    assert answer["data"]["values"]["pro"] == {"2026-01-15": 1, "2026-01-16": 1, "2026-01-17": 1}
    assert answer["data"]["values"]["free"] == {"2026-01-15": 2, "2026-01-16": 0, "2026-01-17": 0}
    answer = server.get("/api/query/segmentation", event="View", unit="day",
                        where='properties["price"] > 15 and properties["plan"] == "free"', **RANGE)
    assert answer["data"]["values"]["View"]["2026-01-15"] == 2
    answer = server.get("/api/query/segmentation/sum", event="View", unit="day", on='properties["price"]', **RANGE)
    assert answer["results"] == {"2026-01-15": 60.0, "2026-01-16": 40.0, "2026-01-17": 60.0} and answer["status"] == "ok"
    answer = server.get("/api/query/segmentation/average", event="View", unit="day", on='properties["price"]', **RANGE)
    assert answer["results"]["2026-01-15"] == 20.0


def test_events_and_names(server):
    answer = server.get("/api/query/events", event='["View","Buy"]', type="general", unit="day", **RANGE)
    assert answer["data"]["values"]["Buy"] == {"2026-01-15": 1, "2026-01-16": 1, "2026-01-17": 0}
    assert answer["legend_size"] == 2


def test_property_series(server):
    answer = server.get("/api/query/events/properties", event="View", name="plan", type="general", unit="day", **RANGE)
    assert answer["data"]["values"]["free"]["2026-01-15"] == 2


def test_retention(server):
    answer = server.get("/api/query/retention", retention_type="birth", born_event="Sign Up", event="View", unit="day",
                        interval_count=2, **RANGE)
    assert answer["2026-01-15"]["first"] == 2
    assert answer["2026-01-16"]["first"] == 1
    assert answer["2026-01-16"]["counts"][:2] == [1, 0] or answer["2026-01-16"]["counts"][:2] == [0, 1]


def test_saved_funnel(server):
    definition = {"project_id": server.project, "name": "Sale", "steps": [{"event": "View"}, {"event": "Sign Up"}, {"event": "Buy"}],
                  "window": {"value": 7, "unit": "day"}}
    status, _, body = server.post_json("/api/v1/funnels", definition, authorized=True)
    assert status in (200, 201), body
    listed = server.get("/api/query/funnels/list")
    assert [f["name"] for f in listed] == ["Sale"]
    answer = server.get("/api/query/funnels", funnel_id=listed[0]["funnel_id"], unit="day", **RANGE)
    steps = answer["data"]["2026-01-15"]["steps"]
    assert [s["count"] for s in steps] == [3, 2, 2]
    assert {"count", "avg_time", "avg_time_from_start", "step_conv_ratio", "overall_conv_ratio", "goal", "event"} <= set(steps[1])
    assert set(answer["data"]["2026-01-15"]["analysis"]) >= {"completion", "starting_amount", "steps", "worst"}
    assert answer["meta"]["dates"] == ["2026-01-15", "2026-01-16", "2026-01-17"]


def test_own_reports(server):
    funnel = server.query({"report": "funnel", "from": "2026-01-15", "to": "2026-01-17", "steps": [
        {"event": "View"}, {"event": "Sign Up"}, {"event": "Buy"}], "window": {"value": 7, "unit": "day"},
        "breakdown": [{"property": "plan", "attribution": "first"}]})
    assert [s["count"] for s in funnel["steps"]] == [4, 3, 2]
    by_plan = {s["segment"][0]: [step["count"] for step in s["steps"]] for s in funnel["series"]}
    assert by_plan == {"pro": [2, 2, 1], "free": [2, 1, 1]}
    insights = server.query({"report": "insights", "from": "2026-01-15", "to": "2026-01-17", "unit": "day", "metrics": [
        {"event": "View", "math": math, "property": "price"} for math in ("total", "unique", "sum", "avg", "min", "max", "median")]})
    assert [s["values"][0] for s in insights["series"]] == [3, 3, 60, 20, 10, 30, 20]
    retention = server.query({"report": "retention", "from": "2026-01-15", "to": "2026-01-17", "born": {"event": "View"},
                              "return": {"event": "View"}, "unit": "day", "buckets": 2, "mode": "on", "birth": "first"})
    assert [c["size"] for c in retention["cohorts"]] == [3, 1, 0]
    people = server.query({"report": "people", "where": 'user["tier"] == "gold"'})
    assert people["total"] == 2


def test_engage(server):
    assert len(server.profiles()) == 3
    gold = server.profiles(where='user["tier"] == "gold"')
    assert sorted(p["$properties"]["score"] for p in gold) == [2, 3]
    one = server.profiles(distinct_ids='["ann"]')
    assert [p["$properties"]["score"] for p in one] == [3] and one[0]["$distinct_id"] != "ann"
    status, _, body = server.request("GET", f"/api/2.0/engage?project_id={server.project}", authorized=True)
    answer = json.loads(body)
    assert answer["status"] == "ok" and answer["total"] == 3 and answer["page"] == 0 and answer["page_size"] >= 3


def test_activity_and_export(server):
    pid = server.profiles(distinct_ids='["ann"]')[0]["$distinct_id"]
    for name in ("ann", pid):
        answer = server.get("/api/query/stream/query", distinct_ids=json.dumps([name]), **RANGE)
        assert [e["event"] for e in answer["results"]["events"]] == ["View", "Sign Up", "Buy"], name
    exported = server.export("2026-01-15", "2026-01-17")
    assert len(exported) == 10 and {e["properties"]["distinct_id"] for e in exported if e["event"] == "Buy"} >= {pid}
    assert len(server.export("2026-01-15", "2026-01-17", event='["Buy"]', where='properties["amount"] > 6')) == 1
    assert len(server.export("2026-01-15", "2026-01-17", limit=4)) == 4


@pytest.mark.parametrize("target", [
    "/api/query/segmentation?event=View&from_date=2026-01-15&to_date=2026-01-17", "/api/2.0/export?from_date=2026-01-15&to_date=2026-01-17",
    "/api/query/engage", "/api/v1/sieve"])
def test_queries_need_the_account(server, target):
    joint = "&" if "?" in target else "?"
    for headers in ({}, {"Authorization": "Basic d3Jvbmc6d3Jvbmc="}):
        status, _, body = server.request("GET", f"{target}{joint}project_id={server.project}", headers=headers)
        assert status == 401 and json.loads(body)["error"]
    status, _, _ = server.request("GET", f"{target}{joint}project_id={server.project + 7}", authorized=True)
    assert status in (401, 403)


@pytest.mark.parametrize("parameters", [
    {"event": "View"}, {"event": "View", "from_date": "x", "to_date": "y"}, {"from_date": "2026-01-15", "to_date": "2026-01-17"},
    {"event": "View", "from_date": "2026-01-17", "to_date": "2026-01-15"},
    {"event": "View", "where": 'properties["a" ==', **RANGE}, {"event": "View", "unit": "fortnight", **RANGE}])
def test_wrong_questions_are_the_callers(server, parameters):
    query = urllib.parse.urlencode({"project_id": server.project, **parameters})
    status, _, body = server.request("GET", f"/api/query/segmentation?{query}", authorized=True)
    answer = json.loads(body)
    assert status == 400 and answer["error"] and answer["status"] == "error"
