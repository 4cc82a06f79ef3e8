"""An incident from opening to closing, on a running server that feeds stand-in vendors: what it says of exposure is held against what
the vendors received."""

import csv
import hashlib
import json
import os
import pathlib
import signal
import sys
import time

import pytest
from audit_log import audit_entries, subjects_of
from bulkhead_server import BulkheadServer
from incident_room import NOW, WINDOW, asked, day, done, incident

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "egress"))
from vendor_stand_in import done as vendor_done  # noqa: E402
from vendor_stand_in import EVERYBODY, running_vendor, set_credential, set_policy, vendor_policy  # noqa: E402

FIELDS = 'plain = ["plan", "mp_country_code"]\ntoken = ["town"]\n'
COUNTRIES = ["DE", "FR", "US"]


def event(n, person=None):
    properties = {"time": NOW - 600 + n % 500, "distinct_id": person or f"customer{n % 7}", "$insert_id": f"i-{n}", "plan": f"plan{n % 3}",
                  "town": "Ouagadougou", "company": f"org{n % 7 % 2}"}
    if n % 7 != 6:
        properties["mp_country_code"] = COUNTRIES[n % 7 % 3]
    return {"event": "Bought", "properties": properties}


def recorded(server, action):
    return [entry for entry in audit_entries(server) if entry["action"] == action]


@pytest.fixture(scope="module")
def fed():
    """(server, {vendor: messages it received}), 70 events of 7 persons, to two vendors."""
    with running_vendor() as stand_in, BulkheadServer(extra_arguments=["--egress-port", str(stand_in.port)]) as server:
        got = {"/acme": [], "/zenith": []}
        stand_in.behave = lambda path, body: got[path].extend(json.loads(body)["data"]["messages"]) or 200
        set_policy(server, vendor_policy("acme", stand_in.port, event=FIELDS), vendor_policy("zenith", stand_in.port, more=EVERYBODY, event=FIELDS))
        set_credential(server, "acme")
        set_credential(server, "zenith")
        server.import_events([event(n) for n in range(70)])
        stand_in.wait(lambda v: all(len({m["id"] for m in messages}) == 70 for messages in got.values()))
        server.wait_until_queryable()
        yield server, got


@pytest.fixture(scope="module")
def opened(fed):
    server, _ = fed
    return asked(server, "open", "--vendor", "acme", *WINDOW, "--title", "export at the vendor", "--organisation", "company")


def test_exposure_is_what_the_vendor_received(fed, opened):
    _, got = fed
    messages = list({m["id"]: m for m in got["/acme"]}.values())
    exposure = opened["exposure"]
    assert opened["version"] == 1 and exposure["sends"] == len(messages)
    assert exposure["subjects"] == len({m["person"] for m in messages})
    fields = {(f["name"], f["form"]): (f["subjects"], f["sends"]) for f in exposure["fields"]}
    for name, form in (("plan", "plain"), ("mp_country_code", "plain"), ("town", "token")):
        having = [m for m in messages if name in m["properties"]]
        assert fields[name, form] == (len({m["person"] for m in having}), len(having)), name
    assert {f["name"]: f["class"] for f in exposure["fields"]}["mp_country_code"] == "user.location.coarse"
    assert exposure["countries"] == {"DE": 2, "FR": 2, "US": 2, "unknown": 1}
    assert exposure["organisations"] == {"org0": 4, "org1": 3}
    assert sum(exposure["risk"].values()) == 7 and exposure["risk"]["negligible"] == 7


def test_a_window_without_sends_is_empty(fed):
    server, _ = fed
    empty = asked(server, "open", "--vendor", "acme", "--from", day(-30), "--to", day(-20))["exposure"]
    assert (empty["subjects"], empty["sends"], empty["fields"], empty["countries"]) == (0, 0, [], {})
    other_epoch = asked(server, "open", "--vendor", "acme", *WINDOW, "--epoch", "9")["exposure"]
    assert other_epoch["sends"] == 0
    for wrong in (("--vendor", "nobody", *WINDOW), ("--vendor", "acme", "--from", day(1), "--to", day(0)),
                  ("--vendor", "acme", "--from", "yesterday", "--to", day(0))):
        assert incident(server, "open", *wrong).returncode == 1, wrong


def test_a_correction_keeps_the_versions_before_it(fed):
    server, _ = fed
    first = asked(server, "open", "--vendor", "acme", "--from", day(-30), "--to", day(-20))
    second = asked(server, "correct", first["id"], "--from", day(-1), "--to", day(1), "--why", "the vendor widened the scope")
    assert second["version"] == 2 and second["exposure"]["subjects"] == 7
    assert "7 subjects are in the new window alone, 0 in the old one alone" in second["changes"]
    assert "subjects: 7, was 0" in second["changes"] and second["why"] == "the vendor widened the scope"
    assert asked(server, "show", first["id"], "--version", 1) == first
    assert asked(server, "show", first["id"]) == second
    assert incident(server, "show", first["id"], "--version", "3").returncode == 1
    assert incident(server, "correct", "2020-01-01-1", "--why", "x").returncode == 1
    line, = [line for line in done(server, "list").splitlines() if line.startswith(first["id"] + " ")]
    assert "version 2, open: acme" in line


def facts_of_2025(server, incident_id):
    """The clocks of November 2025: the vendor knew on the 9th, handed over the data on the 25th, widened the scope in December."""
    asked(server, "facts", incident_id, "--set", "vendor_aware=2025-11-09,received=2025-11-25T00:00:00Z,public=2025-11-26", "--source",
          "the vendor's notice", "--role", "controller", "--established", "DE", "--risk", "high", "--promised-hours", "72",
          "--answer", "data-set=yes,scope-held=unknown")
    return asked(server, "facts", incident_id, "--set", "corrected=2025-12-19", "--answer", "scope-held=no", "--source",
                 "the vendor's second notice", "--contact", "the data protection officer", "--organisation-name", "Platform",
                 "--happening", "An attacker exported data at our analytics vendor.", "--measure", "The vendor was removed.",
                 "--why", "scope widened")


def test_deadlines_of_the_clocks_of_2025(fed):
    server, _ = fed
    opened = asked(server, "open", "--vendor", "acme", *WINDOW)
    facts_of_2025(server, opened["id"])
    duties = {d["id"]: d for d in asked(server, "deadlines", opened["id"], "--now", "2025-11-26T00:00:00Z")}
    # 72 hours after the data set came: nobody had said that we were aware before.
    assert duties["gdpr-33-1"]["state"] == "due" and duties["gdpr-33-1"]["due"] == "2025-11-28 00:00 UTC"
    assert duties["gdpr-34"]["state"] == "due" and duties["gdpr-33-2"]["state"] == "not applicable" and duties["gdpr-33-2"]["why"]
    late = {d["id"]: d for d in asked(server, "deadlines", opened["id"], "--now", "2025-11-29")}
    assert late["gdpr-33-1"]["state"] == "passed"
    asked(server, "facts", opened["id"], "--done", "gdpr-33-1=2025-11-27", "--source", "the authority's receipt")
    fulfilled = {d["id"]: d for d in asked(server, "deadlines", opened["id"], "--now", "2025-11-29")}
    assert fulfilled["gdpr-33-1"]["state"] == "done" and not fulfilled["gdpr-33-1"]["late"]
    assert "no legal advice" in done(server, "deadlines", opened["id"])
    for wrong in (("--set", "awaer=2025-11-09", "--source", "x"), ("--set", "aware=2025-11-09"), ("--role", "king"),
                  ("--done", "gdpr-99=2025-11-09", "--source", "x"), ("--class", "plan=user.wealth"), ("--answer", "what=yes", "--source", "x")):
        assert incident(server, "facts", opened["id"], *wrong).returncode == 1, wrong


def test_a_newer_table_of_duties_can_be_used(fed, tmp_path):
    server, _ = fed
    opened = asked(server, "open", "--vendor", "acme", *WINDOW)
    facts_of_2025(server, opened["id"])
    shipped = (pathlib.Path(__file__).resolve().parents[2] / "data" / "obligations.toml").read_text()
    newer = tmp_path / "obligations.toml"
    newer.write_text(shipped.replace("hours = 72", "hours = 96"))
    duties = {d["id"]: d for d in asked(server, "deadlines", opened["id"], "--now", "2025-11-26", "--obligations", newer)}
    assert duties["gdpr-33-1"]["due"] == "2025-11-29 00:00 UTC"


def test_the_scorecard_has_the_vendors_times(fed):
    server, _ = fed
    opened = asked(server, "open", "--vendor", "acme", *WINDOW)
    facts_of_2025(server, opened["id"])
    card = done(server, "scorecard", opened["id"])
    assert "16.0 days" in card and "the vendor's second notice" in card and "acme" in card


def test_notices_hold_the_numbers_and_are_committed_to(fed, tmp_path):
    server, _ = fed
    opened = asked(server, "open", "--vendor", "acme", *WINDOW)
    facts_of_2025(server, opened["id"])
    said = done(server, "notices", opened["id"], "--out", tmp_path / "drafts")
    assert "5 drafts of version 3" in said and "audit log entry" in said
    files = {path.name: path.read_text() for path in (tmp_path / "drafts").iterdir()}
    assert len(files) == 10 and {name.rsplit(".")[-1] for name in files} == {"txt", "html"}
    authority, = [text for name, text in files.items() if name.endswith(".txt") and "Art. 33(3)" in text]
    assert "concerned: 7." in authority and "concerned: 70." in authority and "data protection officer" in authority
    assert "http" not in authority
    notice = recorded(server, "notice")[-1]
    assert notice["purpose"] == "incident " + opened["id"] and len(notice["fields"]) == 5


def test_subjects_come_by_risk_and_their_reading_is_recorded(fed, opened, tmp_path):
    server, _ = fed
    out = tmp_path / "subjects.ndjson"
    assert "7 subjects" in done(server, "subjects", opened["id"], "--out", out)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    pseudonyms = {e["properties"]["distinct_id"] for e in server.export(day(-1), day(1))}
    assert {line["subject"] for line in lines} == pseudonyms and len(lines) == 7
    assert [line["score"] for line in lines] == sorted((line["score"] for line in lines), reverse=True)
    assert {"name": "town", "form": "token"} in lines[0]["fields"] and lines[0]["band"] == "negligible"
    assert out.stat().st_mode & 0o077 == 0
    assert incident(server, "subjects", opened["id"], "--out", out).returncode == 1  # it is there
    read = recorded(server, "incident.subjects")[-1]
    assert read["count"] == 7 and set(subjects_of(server, read)) == pseudonyms


def write_csv(path, messages):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Distinct ID", "event", "plan"])
        writer.writerows([m["person"], m["event"], m["properties"]["plan"]] for m in messages)


def write_ndjson(path, messages):
    path.write_text("".join(json.dumps({"distinct_id": m["person"], "properties": m["properties"]}) + "\n" for m in messages))


@pytest.mark.parametrize("write", [write_csv, write_ndjson])
def test_a_leaked_file_is_attributed(fed, write, tmp_path):
    server, got = fed
    leaked = tmp_path / "leak"
    messages = list({m["id"]: m for m in got["/zenith"]}.values())
    write(leaked, messages)
    report = asked(server, "match", leaked)
    assert report["attributed"] == {"vendor": "zenith", "epoch": 1}
    assert (report["records"], report["genuine_records"]) == (70, 70)
    assert {s["vendor"]: s["matched_ids"] for s in report["sources"]} == {"zenith": 7, "acme": 0}
    invented = [{**m, "person": f"{n:032x}"} for n, m in enumerate(messages[:30], 1 << 100)]
    write(leaked, messages + invented)
    mixed = asked(server, "match", leaked, "--out", tmp_path / "who")
    assert (mixed["records"], mixed["genuine_records"], mixed["genuine_share"]) == (100, 70, 0.7)
    assert {e["properties"]["distinct_id"] for e in server.export(day(-1), day(1))} == set((tmp_path / "who").read_text().split())
    assert "zenith was sent in epoch 1" in done(server, "match", leaked)
    assert asked(server, "match", leaked, "--vendor", "acme")["attributed"] is None


def test_a_leaked_file_opens_an_incident_with_what_was_found(fed, tmp_path):
    server, got = fed
    leaked = tmp_path / "customers.csv"
    messages = [m for m in {m["id"]: m for m in got["/zenith"]}.values()]
    some = sorted({m["person"] for m in messages})[:4]
    invented = [{**m, "person": f"{n:032x}"} for n, m in enumerate(messages[:30], 1 << 100)]
    write_csv(leaked, [m for m in messages if m["person"] in some] + invented)
    told = incident(server, "match", leaked, "--open", "--json")
    assert told.returncode == 0
    report = json.loads(told.stdout)
    name = told.stderr.split()[0]
    opened = asked(server, "show", name)
    found, = opened["leaked"]
    assert (opened["kind"], opened["vendor"], opened["epoch"]) == ("vendor", "zenith", 1) and opened["to"] == day()
    assert found == {"file": "customers.csv", "sha256": hashlib.sha256(leaked.read_bytes()).hexdigest(), "bytes": leaked.stat().st_size,
                     "records": report["records"], "genuine_records": report["genuine_records"], "subjects": 4, "canaries": 0}
    assert opened["exposure"]["subjects"] == 7 and opened["title"] == "a leaked file, customers.csv"
    assert "of 7 subjects sent, 4 are in customers.csv" in done(server, "show", name)
    assert asked(server, "facts", name, "--risk", "high")["leaked"] == [found]
    assert asked(server, "correct", name, "--organisation", "company", "--why", "by organisation")["leaked"] == [found]
    entry, = [e for e in recorded(server, "incident.open") if f"incident {name}," in e["scope"]]
    assert entry["scope"].endswith(opened["digest"])


def test_a_leaked_file_of_another_epoch_is_told_apart():
    with running_vendor() as stand_in, BulkheadServer(extra_arguments=["--egress-port", str(stand_in.port)]) as server:
        set_policy(server, vendor_policy("acme", stand_in.port, event=FIELDS))
        set_credential(server, "acme")
        server.import_events([event(n) for n in range(14)])
        stand_in.wait(lambda v: len(v.by_id()) == 14)
        old = list(stand_in.by_id().values())
        vendor_done(server, "new-epoch", "acme")
        server.import_events([event(n) for n in range(100, 114)])
        stand_in.wait(lambda v: len(v.by_id()) == 28)
        new = [m for m in stand_in.by_id().values() if m["id"] not in {o["id"] for o in old}]
        leaked = server.base / "leak.csv"
        for epoch, messages in ((1, old), (2, new)):
            write_csv(leaked, messages)
            assert asked(server, "match", leaked)["attributed"] == {"vendor": "acme", "epoch": epoch}
        assert asked(server, "open", "--vendor", "acme", *WINDOW, "--epoch", 2)["exposure"]["sends"] == 14
        vendor_done(server, "forget-epoch", "acme", 1)
        write_csv(leaked, old)
        result = incident(server, "match", leaked, "--json")
        assert json.loads(result.stdout)["attributed"] is None and "acme epoch 1 was not looked for" in result.stderr


def test_versions_outlive_a_kill_and_lie_encrypted(fed):
    server, _ = fed
    opened = asked(server, "open", "--vendor", "acme", *WINDOW, "--title", "needle-in-a-title")
    facts_of_2025(server, opened["id"])
    versions = [asked(server, "show", opened["id"], "--version", n) for n in (1, 2, 3)]
    listed = done(server, "list")
    former = server.compartments()["egress"]
    os.kill(former, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while server.compartments().get("egress") in (None, former) or incident(server, "list").returncode != 0:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert done(server, "list") == listed
    assert [asked(server, "show", opened["id"], "--version", n) for n in (1, 2, 3)] == versions
    folder = server.data / "egress" / "incidents"
    files = sorted(path.name for path in folder.iterdir() if path.name.startswith(opened["id"] + "."))
    assert files == [f"{opened['id']}.{n}" for n in (1, 2, 3)]
    for path in folder.iterdir():
        for needle in (b"needle-in-a-title", b"acme", b"plan", b"vendor's"):
            assert needle not in path.read_bytes()


def test_closing_is_a_version_and_every_act_is_recorded(fed, opened):
    server, _ = fed
    assert incident(server, "close", opened["id"]).returncode != 0
    assert ", closed: acme" in done(server, "close", opened["id"], "--why", "all are told")
    closed = asked(server, "show", opened["id"])
    assert closed["closed"] and closed["exposure"] == opened["exposure"] and "closed: true, was false" in closed["changes"]
    reopened = asked(server, "correct", opened["id"], "--why", "more came to light")
    assert not reopened["closed"]
    for version in (opened, closed, reopened):
        action = {1: "incident.open", 3: "incident.correct"}.get(version["version"], "incident.close")
        entry, = [e for e in recorded(server, action) if f"incident {opened['id']}, version {version['version']}," in e["scope"]]
        assert entry["scope"].endswith(version["digest"]) and entry["outcome"] == "allowed"
