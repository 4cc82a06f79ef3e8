"""Events go to vendors as the policy says, in the form that it says, each written down first, whatever the vendor does."""

import contextlib
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest
from bulkhead_server import BulkheadServer, binary, free_port
from vendor_stand_in import (
    EVERYBODY,
    check_against_ledger,
    check_against_policy,
    done,
    exposure,
    running_vendor,
    set_credential,
    set_policy,
    status,
    vendor,
    vendor_policy,
)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "containment"))
from search import search  # noqa: E402
from workload import Routes, Workload  # noqa: E402

NOW = int(time.time())
EGRESS_KILLS = int(os.environ.get("CRASH_KILLS", "12"))


def event(n, person=None, name="Bought", **properties):
    return {"event": name, "properties": {"time": NOW - 600 + n % 500, "distinct_id": person or f"customer{n % 5}", "$insert_id": f"v-{n}-{name[:3]}",
                                          "plan": f"plan{n % 3}", "town": "Ouagadougou", **properties}}


@pytest.fixture()
def acme():
    """(server, vendor): a server that feeds one vendor."""
    with running_vendor() as stand_in, BulkheadServer(extra_arguments=["--egress-port", str(stand_in.port)]) as server:
        set_policy(server, vendor_policy("acme", stand_in.port, event='plain = ["plan"]\ntoken = ["town"]\n'))
        set_credential(server, "acme")
        yield server, stand_in


def test_a_vendor_gets_what_its_policy_names_under_ids_of_its_own(acme):
    server, stand_in = acme
    server.import_events([event(n, secret_note="needle-of-hay") for n in range(50)])
    stand_in.wait(lambda v: len(v.by_id()) == 50)
    messages = list(stand_in.by_id().values())
    assert {tuple(sorted(message["properties"])) for message in messages} == {("plan", "town")}
    assert len({message["properties"]["town"] for message in messages}) == 1
    assert re.fullmatch("[0-9a-f]{32}", messages[0]["properties"]["town"])
    persons = {message["person"] for message in messages}
    pseudonyms = {one["properties"]["distinct_id"] for one in server.export(*2 * [time.strftime("%Y-%m-%d", time.gmtime(NOW - 600))])}
    assert len(persons) == 5 and not persons & pseudonyms
    everything = str(stand_in.bodies)
    for needle in ("needle-of-hay", "Ouagadougou", "customer1", *pseudonyms):
        assert needle not in everything
    told = exposure(server, "acme")
    assert (told["subjects"], told["sends"]) == (5, 50)
    assert {(field["name"], field["form"]): (field["subjects"], field["sends"]) for field in told["fields"]} == {
        ("plan", "plain"): (5, 50), ("town", "token"): (5, 50), ("event name", "plain"): (5, 50), ("time", "plain"): (5, 50)}


def test_wrong_doing_is_caught(acme):
    """The checks that the other tests rely on find a field outside of the policy, and what was sent without an entry."""
    server, stand_in = acme
    server.import_events([event(n) for n in range(20)])
    stand_in.wait(lambda v: len(v.by_id()) == 20)
    messages, told = list(stand_in.by_id().values()), exposure(server, "acme")
    check_against_policy(messages, ["plan", "town"])
    check_against_ledger(told, messages)
    outside = [*messages[1:], {**messages[0], "properties": {**messages[0]["properties"], "e-mail": "x"}}]
    unrecorded = [*messages, {**messages[0], "id": "0" * 32}]
    for wrong, check in ((outside, lambda m: check_against_policy(m, ["plan", "town"])), (outside, lambda m: check_against_ledger(told, m)),
                         (unrecorded, lambda m: check_against_ledger(told, m)),
                         ([*messages, {**messages[0], "person": "f" * 32}], lambda m: check_against_ledger(told, m))):
        with pytest.raises(AssertionError):
            check(wrong)


def test_needles_reach_no_vendor(acme):
    """What is planted in every place that a client has reaches a vendor only where the policy names the field."""
    server, stand_in = acme
    set_policy(server, vendor_policy("acme", stand_in.port, event='plain = ["*"]\n', more='') + '[vendor.acme.profile]\nplain = ["*"]\n', version=2)
    workload = Workload(server, 500, 20261129)
    Routes(server, workload.needles, 20261129).send_all(workload.events())
    server.wait_until_queryable(60)
    stand_in.wait(lambda v: not status(server, "acme")["waiting"] and v.messages(), seconds=60)
    with tempfile.TemporaryDirectory() as folder:
        for n, body in enumerate(stand_in.bodies):
            (pathlib.Path(folder) / f"{n}").write_bytes(body)
        with tempfile.TemporaryDirectory() as scratch:
            assert not list(search(workload.needles, pathlib.Path(folder), pathlib.Path(scratch)))
    check_against_ledger(exposure(server, "acme"), stand_in.messages())


def test_two_vendors_know_nobody_by_the_same_id(acme):
    server, stand_in = acme
    both = [vendor_policy("acme", stand_in.port, event='token = ["town"]\n'), vendor_policy("zenith", stand_in.port, more=EVERYBODY, event='token = ["town"]\n')]
    set_policy(server, *both, version=2)
    set_credential(server, "zenith")
    got = {"/acme": [], "/zenith": []}
    stand_in.behave = lambda path, body: got[path].extend(json.loads(body)["data"]["messages"]) or 200
    server.import_events([event(n) for n in range(20)])
    stand_in.wait(lambda v: all(len({m["id"] for m in messages}) == 20 for messages in got.values()))
    for key in ("person", "id"):
        assert not {m[key] for m in got["/acme"]} & {m[key] for m in got["/zenith"]}
    assert not {m["properties"]["town"] for m in got["/acme"]} & {m["properties"]["town"] for m in got["/zenith"]}


def test_a_slow_vendor_delays_no_other_and_loses_nothing(acme):
    server, stand_in = acme
    set_policy(server, vendor_policy("acme", stand_in.port), vendor_policy("zenith", stand_in.port, more=EVERYBODY), version=2)
    set_credential(server, "zenith")
    stalled = threading.Event()
    stand_in.behave = lambda path, body: 200 if path == "/acme" or stalled.is_set() else (503, {"Retry-After": "1"})
    server.import_events([event(n) for n in range(30)])
    stand_in.wait(lambda v: len(v.by_id()) == 30)
    assert status(server, "zenith")["waiting"] and "503" in status(server, "zenith")["trouble"]
    stalled.set()
    stand_in.wait(lambda v: len(v.by_id()) == 60)
    assert not status(server, "zenith")["trouble"]


def test_what_a_vendor_will_never_take_is_kept_apart_and_sent_again_when_told(acme):
    server, stand_in = acme
    stand_in.behave = lambda path, body: 422 if b'"Cursed"' in body else 200
    server.import_events([event(n) for n in range(10)] + [event(11, name="Cursed")])
    stand_in.wait(lambda v: len(v.by_id()) == 10)
    deadline = time.monotonic() + 20
    while not status(server, "acme")["dead_letters"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    dead, = json.loads(done(server, "dead", "acme", "--json"))
    assert dead["event"] == "Cursed" and dead["properties"] == ["plan", "town"] and "plan2" not in str(dead)
    stand_in.behave = lambda path, body: 200
    assert "1 messages" in done(server, "resend", "acme")
    stand_in.wait(lambda v: len(v.by_id()) == 11)


def test_stored_events_are_sent_later_and_count_once(acme):
    server, stand_in = acme
    server.import_events([event(n) for n in range(30)])
    stand_in.wait(lambda v: len(v.by_id()) == 30)
    set_policy(server, vendor_policy("acme", stand_in.port), vendor_policy("zenith", stand_in.port, more=EVERYBODY), version=2)
    set_credential(server, "zenith")
    got = {"/acme": [], "/zenith": []}
    stand_in.behave = lambda path, body: got[path].extend(json.loads(body)["data"]["messages"]) or 200
    first, last = (time.strftime("%Y-%m-%d", time.gmtime(at)) for at in (NOW - 600, NOW))
    for name in ("acme", "zenith"):
        assert "30 messages" in done(server, "backfill", name, "--from", first, "--to", last)
    stand_in.wait(lambda v: len(got["/acme"]) == len(got["/zenith"]) == 30)
    assert {m["id"] for m in got["/acme"]} == {m["id"] for m in stand_in.messages()[:30]}
    assert exposure(server, "zenith")["sends"] == 30


def test_a_further_vendor_takes_half_of_the_people_and_none_of_their_past(acme):
    """Who moves from one vendor to another has each of their events at one of them alone, back-fills included."""
    server, stand_in = acme
    got = {"/acme": [], "/zenith": []}
    stand_in.behave = lambda path, body: got[path].extend(json.loads(body)["data"]["messages"]) or 200
    before, after = ([event(n, person=f"person{n % 40}", name=name, number=n) for n in range(start, start + 80)]
                     for start, name in ((0, "Before"), (1000, "After")))
    server.import_events(before)
    stand_in.wait(lambda v: len({m["id"] for m in got["/acme"]}) == 80)
    both = [vendor_policy(name, stand_in.port, event='plain = ["number"]\n') for name in got for name in [name[1:]]]
    set_policy(server, *both, version=2)
    set_credential(server, "zenith")
    server.import_events(after)
    stand_in.wait(lambda v: len({m["id"] for messages in got.values() for m in messages}) == 160)
    first, last = (time.strftime("%Y-%m-%d", time.gmtime(at)) for at in (NOW - 600, NOW))
    filled = done(server, "backfill", "zenith", "--from", first, "--to", last)
    moved = {m["person"] for m in got["/zenith"]}
    assert 8 < len(moved) < 32
    # Whom acme has from before is left out, what zenith has of them already included.
    assert f"{4 * len(moved)} were left out, of up to {len(moved)} people a day" in filled and "0 messages are in the queue" in filled, filled
    assert f"{160 - 4 * len(moved)} messages" in done(server, "backfill", "acme", "--from", first, "--to", last)
    time.sleep(2)
    numbers = {name: {m["properties"].get("number") for m in messages if m["event"] == "After"} for name, messages in got.items()}
    assert len(numbers["/zenith"]) == 2 * len(moved) and not numbers["/acme"] & numbers["/zenith"]
    assert {m["event"] for m in got["/zenith"]} == {"After"}
    listed = done(server, "list")
    assert "its part of the people, divided with zenith" in listed and status(server, "zenith")["divides_with"] == ["acme"]
    registered = {one["vendor"]: one["findings"] for one in json.loads(done(server, "register", "--json"))}
    assert f"{len(moved)} of its subjects were sent to acme too" in registered["zenith"]
    set_policy(server, both[0], both[1].replace('time = "exact"', 'time = "exact"\nshare = "all"'), version=3)
    assert "160 messages are in the queue" in done(server, "backfill", "zenith", "--from", first, "--to", last)
    assert status(server, "acme")["same_people_as"] == ["zenith"] and "CAN BE JOINED" in done(server, "list")
    told = done(server, "register", "acme")
    assert "! gets people that zenith gets too: what they do joins the two" in told


def test_redirects_inner_addresses_and_other_ports_are_not_followed():
    with running_vendor() as stand_in, running_vendor() as elsewhere, \
            BulkheadServer(extra_arguments=["--egress-port", str(stand_in.port)]) as server:
        inner = vendor_policy("inner", stand_in.port, more=EVERYBODY).replace('allow_addresses = ["127.0.0.1"]', 'allow_addresses = ["10.1.2.3"]')
        rebound = vendor_policy("rebound", stand_in.port, more=EVERYBODY).replace("127.0.0.1:", "localhost:").replace('["127.0.0.1"]', '["10.1.2.3"]')
        port = vendor_policy("port", elsewhere.port, more=EVERYBODY)
        set_policy(server, vendor_policy("acme", stand_in.port), inner, rebound, port)
        for name in ("acme", "inner", "rebound", "port"):
            set_credential(server, name)
        stand_in.behave = lambda path, body: (302, {"Location": f"http://127.0.0.1:{stand_in.port}/taken"}) if path == "/acme" else 200
        server.import_events([event(1)])
        deadline = time.monotonic() + 20
        while not all(status(server, name)["trouble"] for name in ("acme", "inner", "rebound", "port")):
            assert time.monotonic() < deadline, done(server, "list")
            time.sleep(0.2)
        assert not stand_in.bodies and not elsewhere.bodies
        assert "302" in status(server, "acme")["trouble"]


def test_kill_is_quick_lasting_and_undone_by_two(acme):
    server, stand_in = acme
    server.import_events([event(n) for n in range(10)])
    stand_in.wait(lambda v: len(v.by_id()) == 10)
    began = time.monotonic()
    said = done(server, "kill", "acme")
    assert time.monotonic() - began < 5
    first, second = re.findall(r"^  ([0-9a-f]{32})$", said, re.M)
    server.import_events([event(n) for n in range(100, 110)])
    server.stop()
    server.start()
    server.wait_until_queryable()
    time.sleep(2)
    assert len(stand_in.by_id()) == 10 and status(server, "acme")["killed"] and status(server, "acme")["waiting"]
    assert vendor(server, "revive", "acme", "--code", first, "--other-code", first).returncode != 0
    done(server, "revive", "acme", "--code", first, "--other-code", second)
    set_credential(server, "acme")
    stand_in.wait(lambda v: len(v.by_id()) == 20)
    persons = [{m["person"] for m in list(stand_in.by_id().values())[half]} for half in (slice(0, 10), slice(10, 20))]
    assert not persons[0] & persons[1]
    assert exposure(server, "acme")["sends"] >= 20
    actions = server_audit_actions(server)
    assert {"vendor.credential", "vendor.kill", "vendor.revive"} <= actions


def server_audit_text(server):
    return b"".join(path.read_bytes() for path in sorted((server.data / "audit").rglob("*")) if path.is_file() and "entries" in str(path))


def server_audit_actions(server):
    return {match.decode() for match in re.findall(rb'"action":"([a-z.\-]+)"', server_audit_text(server))}


KILLED_PEOPLE = 50_000


def asked_ids(stand_in):
    return [person for body in stand_in.deletions() for person in body["data"]["persons"]]


def by_hand(server):
    return done(server, "by-hand", "acme").split()


@contextlib.contextmanager
def vendor_of_many():
    """(server, vendor): 50,000 subjects that it was sent."""
    with running_vendor() as stand_in, BulkheadServer(extra_arguments=["--egress-port", str(stand_in.port)]) as server:
        set_policy(server, vendor_policy("acme", stand_in.port, event=""))
        set_credential(server, "acme")
        server.import_events([event(n, person=f"person{n}") for n in range(KILLED_PEOPLE)])
        deadline = time.monotonic() + 120
        while status(server, "acme")["sent"] < KILLED_PEOPLE:
            assert time.monotonic() < deadline
            time.sleep(0.3)
        yield server, stand_in


def kill(server, *more):
    """What it says, within the five seconds that it has."""
    began = time.monotonic()
    said = done(server, "kill", "acme", *more)
    print(f"\nkill took {time.monotonic() - began:.2f} s")
    assert time.monotonic() - began < 5
    return said


def test_a_killed_vendor_is_asked_to_delete_everybody():
    with vendor_of_many() as (server, stand_in):
        assert f"asked to delete {KILLED_PEOPLE} ids." in kill(server)
        asked = asked_ids(stand_in)
        assert len(asked) == KILLED_PEOPLE and set(asked) == {m["person"] for m in stand_in.messages()}
        assert f"deletion of {KILLED_PEOPLE} ids".encode() in server_audit_text(server)
        assert not by_hand(server) and f"asked to delete: {KILLED_PEOPLE} ids; to come: 0" in done(server, "list")
        taken = len(stand_in.bodies)
        server.import_events([event(n, person=f"person{n}") for n in range(KILLED_PEOPLE, KILLED_PEOPLE + 10)])
        time.sleep(3)
        assert len(stand_in.bodies) == taken and not status(server, "acme")["credential"]


def test_a_vendor_that_stalls_holds_no_kill_up_and_what_is_left_when_egress_dies_is_left_to_people():
    with vendor_of_many() as (server, stand_in):
        deletions, let_go = iter(range(100)), threading.Event()
        stand_in.behave = lambda path, body: 200 if b"persons.deletion" not in body or next(deletions) < 3 else let_go.wait(20) and 200 or 503
        said = kill(server)
        asked = asked_ids(stand_in)
        assert f"asked to delete {len(asked)} ids; {KILLED_PEOPLE - len(asked)} are still to come" in said and 0 < len(asked) < KILLED_PEOPLE
        assert f"to come: {KILLED_PEOPLE - len(asked)}" in done(server, "list")
        everybody = {m["person"] for m in stand_in.messages()}
        os.kill(server.compartments()["egress"], signal.SIGKILL)
        deadline = time.monotonic() + 40
        while (told := vendor(server, "list", "--json")).returncode or json.loads(told.stdout)[0]["leaving"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        let_go.set()
        left = by_hand(server)
        assert len(left) == len(set(left)) == KILLED_PEOPLE - len(asked) and set(left) | set(asked) == everybody
        assert vendor(server, "by-hand", "acme", "--done").returncode == 0 and not by_hand(server)
        assert len(stand_in.messages()) == KILLED_PEOPLE


def test_a_kill_can_leave_what_the_vendor_has_as_evidence(acme):
    server, stand_in = acme
    server.import_events([event(n) for n in range(10)])
    stand_in.wait(lambda v: len(v.by_id()) == 10)
    assert "What it has is left there." in kill(server, "--keep-data")
    time.sleep(1)
    assert not stand_in.deletions() and not by_hand(server) and b"what it has is left there" in server_audit_text(server)


def test_erased_persons_leave_the_ledger_and_the_vendor_is_asked_to_delete_them(acme):
    server, stand_in = acme
    server.import_events([event(n) for n in range(50)])
    stand_in.wait(lambda v: len(v.by_id()) == 50)
    stand_in.behave = lambda path, body: 503 if b"events.batch" in body else 200
    server.import_events([event(n) for n in range(100, 150)])
    server.wait_until_queryable()
    subprocess.run([binary(), "vault", "erase", server.data, "--id", "customer1", "--purpose", "erasure request"], check=True, capture_output=True)
    stand_in.wait(lambda v: v.deletions())
    asked, = stand_in.deletions()
    gone = set(asked["data"]["persons"])
    assert len(gone) == 1 and gone < {m["person"] for m in stand_in.messages()}
    stand_in.behave = lambda path, body: 200
    stand_in.wait(lambda v: len(v.by_id()) >= 90, seconds=90)
    time.sleep(1)
    later = [m for m in stand_in.messages() if m["id"] in list(stand_in.by_id())[50:]]
    assert len(stand_in.by_id()) == 90 and not gone & {m["person"] for m in later}
    told = exposure(server, "acme")
    assert told["subjects"] == 4 and told["sends"] >= 90


def test_a_vendor_that_lies_or_hangs_up_loses_nothing(acme):
    server, stand_in = acme
    moods = iter([None, 500, 429, None, 503])
    stand_in.behave = lambda path, body: next(moods, 200)
    server.import_events([event(n) for n in range(20)])
    stand_in.wait(lambda v: len(v.by_id()) == 20, seconds=90)


def test_egress_is_killed_at_random_moments_and_nothing_is_lost_or_unrecorded(acme):
    server, stand_in = acme
    chance = random.Random(20261129)
    stand_in.behave = lambda path, body: 503 if chance.random() < 0.2 else 200
    stop, sent = threading.Event(), []

    def feed():
        while not stop.is_set():
            batch = [event(len(sent) + n, person=f"person{chance.randrange(200)}") for n in range(20)]
            server.import_events(batch)
            sent.extend(batch)
            time.sleep(0.05)

    feeder = threading.Thread(target=feed)
    feeder.start()
    for _ in range(EGRESS_KILLS):
        time.sleep(chance.random() * 1.5)
        pid = server.compartments().get("egress")
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
    stop.set()
    feeder.join()
    stand_in.behave = lambda path, body: 200
    stand_in.wait(lambda v: len(v.by_id()) >= len(sent), seconds=120)
    assert len(stand_in.by_id()) == len(sent)  # ids are the same at every attempt
    told = exposure(server, "acme")
    assert told["sends"] >= len(stand_in.by_id())
    assert told["subjects"] == len({m["person"] for m in stand_in.messages()})


def test_another_bulkhead_is_a_vendor():
    with BulkheadServer() as receiver, BulkheadServer(extra_arguments=["--egress-port", str(receiver.port)]) as server:
        set_policy(server, vendor_policy("twin", receiver.port, vendor_type="mixpanel").replace("/twin", ""))
        set_credential(server, "twin", f"{receiver.project}:{receiver.username}:{receiver.secret}:{receiver.token}")
        server.import_events([event(n) for n in range(200)])
        day = time.strftime("%Y-%m-%d", time.gmtime(NOW - 600))
        later = time.strftime("%Y-%m-%d", time.gmtime(NOW))
        deadline = time.monotonic() + 40
        while receiver.count("Bought", day, later) != 200:
            assert time.monotonic() < deadline, done(server, "list")
            time.sleep(0.2)
        assert receiver.count("Bought", day, later, math="unique") == 5


def test_a_port_that_nobody_answers_at_is_trouble_and_no_crash(acme):
    server, stand_in = acme
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        set_policy(server, vendor_policy("acme", free_port()), version=2)
        server.import_events([event(1)])
        deadline = time.monotonic() + 20
        while not status(server, "acme")["trouble"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert server.healthy() and not stand_in.bodies
