"""What vendors are sent, held against what receives it: a running server, a verifier of webhooks, and the vendors' own clients."""

import datetime
import json
import pathlib
import re
import subprocess
import time
import urllib.parse

import pytest
from bulkhead_server import BulkheadServer
from clients import client_run
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

PRINT_REQUESTS = pathlib.Path(__file__).resolve().parents[2] / "build" / "release" / "print_requests"
WEBHOOK_SECRET = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
WEBHOOK_SECRET_OF_ANOTHER = "whsec_b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="
PERSONS = "a1" * 16, "b2" * 16


def requests_to(vendor, credential, *more):
    done = subprocess.run([str(PRINT_REQUESTS), vendor, credential, *more], capture_output=True, text=True, check=True)
    requests = [json.loads(line) for line in done.stdout.splitlines()]
    for request in requests:
        assert request["content_type"] == "application/json"
        request["parsed"] = json.loads(request["body"])
    return requests


def messages():
    """The fixed messages, as the webhook has them."""
    return requests_to("webhook", WEBHOOK_SECRET, "https://hooks.example.org/")[0]["parsed"]["data"]["messages"]


# --- another Bulkhead, by Mixpanel's interface ---

def post(server, request):
    url = urllib.parse.urlsplit(request["url"])
    status, _, body = server.request("POST", f"{url.path}?{url.query}", request["body"].encode(),
                                     {"Content-Type": request["content_type"], **request["headers"]})
    return status, json.loads(body)


@pytest.fixture(scope="module")
def receiver():
    """A server that was sent all messages, twice."""
    with BulkheadServer() as server:
        credential = f"{server.project}:{server.username}:{server.secret}:{server.token}"
        for request in 2 * requests_to("mixpanel", credential, server.url):
            status, answer = post(server, request)
            assert status == 200 and answer["num_records_imported"] == len(request["messages"])
        server.wait_until_queryable()
        yield server


def test_a_bulkhead_imports_what_it_is_sent_once(receiver):
    days = "2026-01-15", "2026-01-15"
    assert {name: receiver.count(name, *days) for name in ("Signed Up", "Moved", "Viewed")} == {"Signed Up": 1, "Moved": 1, "Viewed": 1}
    assert receiver.count("Signed Up", *days, where='properties["plan"] == "pro \\"5\\" é" and properties["seats"] == 3') == 1
    assert receiver.count("Signed Up", *days, math="unique") == 1
    assert receiver.count("Viewed", *days, math="unique") == 0  # it is nobody's
    events = {event["event"]: event["properties"] for event in receiver.export(*days)}
    assert events["Signed Up"]["time"] == 1768465800 and events["Signed Up"]["share"] == 0.25
    assert events["Moved"]["to"] == {"city": "Bergen", "floors": [1]} and events["Moved"]["tags"] == ["a", "b"]
    assert [p["$properties"]["tier"] for p in receiver.profiles()] == ["gold"]


def test_a_bulkhead_deletes_whom_it_is_asked_to(receiver):
    credential = f"{receiver.project}:{receiver.username}:{receiver.secret}:{receiver.token}"
    request, = requests_to("mixpanel", credential, receiver.url, "delete")
    status, answer = post(receiver, request)
    assert status == 201 and answer["results"]["distinct_id_count"] == 1
    deadline = time.monotonic() + 30
    while receiver.count("Signed Up", "2026-01-15", "2026-01-15"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert receiver.count("Moved", "2026-01-15", "2026-01-15") == 1 and not receiver.profiles()


# --- webhooks ---

def test_webhooks_are_verified_by_a_library_that_receivers_have():
    for more in ([], ["delete"]):
        for request in requests_to("webhook", WEBHOOK_SECRET, "https://hooks.example.org/", *more):
            payload = Webhook(WEBHOOK_SECRET).verify(request["body"], request["headers"])
            assert payload["type"] == ("persons.deletion" if more else "events.batch")
            with pytest.raises(WebhookVerificationError):
                Webhook(WEBHOOK_SECRET).verify(request["body"].replace("a1a1", "a2a2"), request["headers"])
            with pytest.raises(WebhookVerificationError):
                Webhook(WEBHOOK_SECRET_OF_ANOTHER).verify(request["body"], request["headers"])
    assert [m["person"] for m in messages()] == [*PERSONS, None, PERSONS[0]]


# --- Google Analytics 4, which answers 204 to everything: its reference's limits ---

def test_google_is_sent_what_its_reference_allows():
    name, property_name = re.compile(r"[A-Za-z]\w{0,39}", re.A), re.compile(r"[A-Za-z]\w{0,23}", re.A)
    requests = requests_to("ga4", "G-1:s")
    for request in requests:
        body = request["parsed"]
        assert len(request["body"]) < 130_000 and 1 <= len(body["events"]) <= 25 and isinstance(body["client_id"], str)
        for event in body["events"]:
            assert name.fullmatch(event["name"]) and len(event["params"]) <= 25 and event["timestamp_micros"] // 10**12 == 1768
            for parameter, value in event["params"].items():
                assert name.fullmatch(parameter) and (type(value) in (int, float) or len(value) <= 100)
        for user_property, entry in body.get("user_properties", {}).items():
            assert property_name.fullmatch(user_property) and len(entry["value"]) <= 36
    assert sorted(event["name"] for request in requests for event in request["parsed"]["events"]) == [
        "Moved", "Signed_Up", "Viewed", "profile_update"]
    assert sorted({request["parsed"]["client_id"] for request in requests}) == [*PERSONS, "nobody"]


# --- the vendors' own clients, told the same ---

PLAIN_NAMES = {"$email": "email", "$name": "name"}


@pytest.fixture(scope="module")
def from_clients():
    told = messages()
    for message in told:
        message["uuid"] = "-".join(message["id"][a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
        message["properties"] = {PLAIN_NAMES.get(name, name): value for name, value in message["properties"].items()}
    done = subprocess.run([client_run.node(), "vendor_clients.js"], cwd=client_run.HERE, input=json.dumps(told), capture_output=True,
                          text=True, timeout=120, check=True)
    return json.loads(done.stdout)


def at_once(value):
    """Times as instants, whatever their spelling."""
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))


def assert_part_of(ours, theirs, path=""):
    """Everything that we say the client says, too, in the same place."""
    if isinstance(ours, dict):
        assert isinstance(theirs, dict), path
        for name, value in ours.items():
            assert name in theirs, f"{path}.{name}"
            assert_part_of(value, theirs[name], f"{path}.{name}")
    elif path.endswith(".timestamp"):
        assert at_once(ours) == at_once(theirs), path
    else:
        assert ours == theirs and type(ours) is type(theirs), path


# What clients add that says nothing of the event: about themselves, and when they sent.
ABOUT_THEMSELVES = {
    "segment": {"integrations", "context", "_metadata"},
    "amplitude": {"library", "event_id"},
    "posthog": {"$lib", "$lib_version", "$is_server"},
}


def without(vendor, value):
    if not isinstance(value, dict):
        return value
    return {name: without(vendor, member) for name, member in value.items() if name not in ABOUT_THEMSELVES[vendor]}


@pytest.mark.parametrize(("vendor", "list_name"), [("segment", "batch"), ("amplitude", "events"), ("posthog", "batch")])
def test_a_vendor_is_told_the_same_as_by_its_own_client(from_clients, vendor, list_name):
    ours, = requests_to(vendor, "KEY")
    theirs = from_clients[vendor]
    path = urllib.parse.urlsplit(ours["url"]).path
    assert {request["url"] for request in theirs} == {path}
    assert ours["headers"].get("authorization") == theirs[0].get("authorization")
    their_messages = [message for request in theirs for message in request["body"][list_name]]
    our_messages = ours["parsed"][list_name]
    assert len(our_messages) == len(their_messages) == 4
    for our, their in zip(our_messages, their_messages, strict=True):
        assert_part_of(our, their)
        assert_part_of(without(vendor, their), our)  # and nothing that it says is missing
    rest = {name: value for name, value in ours["parsed"].items() if name not in (list_name, "historical_migration")}
    assert_part_of(rest, theirs[0]["body"])
