"""PyPI `mixpanel` and `mixpanel-utils`."""

import time

import mixpanel
import mixpanel_utils
from client_run import assert_nowhere, days, people_in, profile_with, total


def make_client(server, **more):
    consumer_type = more.pop("consumer_type", mixpanel.Consumer)
    account = mixpanel.ServiceAccountCredentials(server.username, server.secret, str(server.project))
    consumer = consumer_type(
        events_url=server.url + "/track", people_url=server.url + "/engage", import_url=server.url + "/import",
        groups_url=server.url + "/groups", credentials=account, **more)
    return mixpanel.Mixpanel(server.token, consumer=consumer), consumer


def send_events(server):
    client, _ = make_client(server)
    client.track(None, "Docs Read", {"$device_id": "py-device", "distinct_id": "$device:py-device"})
    client.track("py-user", "Signed Up", {"$device_id": "py-device", "$user_id": "py-user", "plan": "pro", "price": 19.5})
    client.track("py-user-2", "Signed Up", {"plan": "free", "nested": {"a": [1, {"b": "kim.ray@corp-mail.com"}]}})
    day = 1768478400  # 15 January 2026, 12:00 UTC
    for offset in (0, 60):
        client.import_data(None, "py-user", "Old Event", day + offset, {"kind": "import"})
    client.merge(None, "py-user", "py-user-2")
    buffered, consumer = make_client(server, consumer_type=mixpanel.BufferedConsumer)
    for i in range(130):
        buffered.track(f"py-batch-{i % 13}", "Buffered", {"index": i})
    consumer.flush()


def send_profiles(server):
    client, _ = make_client(server)
    client.people_set("py-user", {"$email": "py.person@corp-mail.com", "$phone": "+14155550132", "plan": "pro", "logins": 1})
    client.people_set_once("py-user", {"plan": "never", "first": "docs"})
    client.people_increment("py-user", {"logins": 4})
    client.people_append("py-user", {"pages": "home"})
    client.people_union("py-user", {"tags": ["a", "b"]})
    client.people_remove("py-user", {"pages": "home"})
    client.people_unset("py-user", ["first"])
    client.people_track_charge("py-user", 12.5)
    client.people_set("py-gone", {"plan": "x"})
    client.people_delete("py-gone")
    client.group_set("company", "py-acme", {"seats": 3})
    client.group_union("company", "py-acme", {"features": ["sso"]})


def test_python_mixpanel(server):
    send_events(server)
    send_profiles(server)
    server.wait_until_queryable()

    assert total(server, "Signed Up") == 2
    assert total(server, "Signed Up", math="sum", property="price") == 19.5
    assert total(server, "Buffered") == 130
    assert people_in(server, "Buffered") == [13]
    assert people_in(server, "Docs Read", "Signed Up") == [1, 1]
    assert people_in(server, "Signed Up") == [2]  # under Simplified ID Merge, $merge has no function
    assert server.count("Old Event", "2026-01-15", "2026-01-15") == 2
    person = profile_with(server, "plan", "pro")
    assert person["logins"] == 5 and sorted(person["tags"]) == ["a", "b"] and "first" not in person
    assert person.get("pages", []) == [] and person["$transactions"][0]["$amount"] == 12.5
    assert_nowhere(server, "py.person@corp-mail.com", "4155550132", "kim.ray@corp-mail.com", "py-user", "py-device")


def make_utils(server):
    utils = mixpanel_utils.MixpanelUtils(
        server.secret, token=server.token, service_account_username=server.username, project_id=server.project)
    utils.raw_api = utils.formatted_api = server.url + "/api"
    utils.import_api = server.url
    return utils


def test_mixpanel_utils(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it writes what it could not send into the working directory
    utils = make_utils(server)
    day = int(time.time()) - 3600
    events = [{"event": "Utils Import", "properties": {
        "time": day + i % 60, "distinct_id": f"utils-{i % 70}", "$insert_id": f"utils-{i}", "index": i}} for i in range(4500)]
    utils.import_events(events, timezone_offset=0)
    people = [{"$distinct_id": f"utils-{i}", "$properties": {"rank": i, "$email": f"p{i}@corp-mail.com"}} for i in range(1500)]
    utils.import_people(people)
    utils.people_set({"tier": "gold"}, profiles=people[:10], backup=False)
    assert not list(tmp_path.iterdir()), "mixpanel-utils wrote down what it could not send"
    server.wait_until_queryable()

    assert total(server, "Utils Import") == 4500
    assert people_in(server, "Utils Import") == [70]
    first, last = days()
    exported = utils.query_export({"from_date": first, "to_date": last, "event": '["Utils Import"]'})
    assert len(exported) == 4500
    found = utils.query_engage()
    assert len(found) == 1500 and sum(p["$properties"].get("tier") == "gold" for p in found) == 10
    assert {p["$properties"]["rank"] for p in found} == set(range(1500))
    assert "corp-mail" not in repr(found) + repr(exported)
