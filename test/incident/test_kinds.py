"""Incidents of a member, a credential, an export and ourselves: what they say is held against the audit log, read by the tests' own
reader, and against the exported events."""

import json
import pathlib
import re
import subprocess
import time

import pytest
from audit_log import audit_entries, subjects_of
from bulkhead_server import BulkheadServer, binary
from incident_room import NOW, WINDOW, asked, day, done, incident

PEOPLE = 9
COUNTRIES = ["DE", "FR", "US"]
VAULT_FIELD = "$email"


def event(n):
    who = n % PEOPLE
    properties = {"time": NOW - 600 + n % 500, "distinct_id": f"person{who}", "$insert_id": f"k-{n}", "plan": f"plan{n % 3}",
                  "mp_country_code": COUNTRIES[who % 3], "company": f"org{who % 2}"}
    if who % 3 == 0:
        properties["$email"] = f"person{who}@corp-mail.com"
    if n % 2 == 0:
        properties["colour"] = "red"
    return {"event": "Seen", "properties": properties}


def vault(server, *words):
    result = subprocess.run([binary(), "vault", words[0], str(server.data), *words[1:]], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result
    return result.stdout


def fields_of(opened):
    return {(f["name"], f["form"]): f["subjects"] for f in opened["exposure"]["fields"]}


def listed(server, name, tmp_path):
    """{subject: {(field, form)}} of `incident subjects`."""
    out = tmp_path / f"subjects-{name}-{time.monotonic_ns()}"
    done(server, "subjects", name, "--out", out)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    return {line["subject"]: {(f["name"], f["form"]) for f in line["fields"]} for line in lines}


@pytest.fixture(scope="module")
def server():
    """70 events of 9 persons, of whom three have an address."""
    with BulkheadServer() as running:
        running.import_events([event(n) for n in range(70)])
        running.wait_until_queryable()
        yield running


@pytest.fixture(scope="module")
def stored(server):
    """The events as an export by the service account gives them, which is an entry of the audit log."""
    events = server.export(day(-1), day(1))
    assert len(events) == 70
    return events


def people_of(events):
    """{pseudonym: names of all its properties}, as far as they are not the event's own."""
    people = {}
    for one in events:
        properties = one["properties"]
        people.setdefault(properties["distinct_id"], set()).update(set(properties) - {"time", "distinct_id", "$insert_id"})
    return people


def test_a_member_is_what_the_audit_log_says_they_were_shown(server, stored, tmp_path):
    begin = len(audit_entries(server))
    for who in ("person0", "person3", "person4"):
        vault(server, "reveal", "--id", who, "--purpose", "support request")
    vault(server, "reveal", "--id", "person0", "--purpose", "support request")
    entries = [e for e in audit_entries(server)[begin:] if e["action"] == "reveal"]
    actor = entries[0]["actor"]
    shown = {subject for e in entries for subject in subjects_of(server, e)}
    opened = asked(server, "open", "--member", actor, *WINDOW, "--organisation", "company")
    assert opened["kind"] == "member" and opened["party"] == actor and opened["vendor"] == ""
    assert opened["exposure"]["subjects"] == len(shown) == 3 and opened["exposure"]["sends"] == 4
    assert [r["entry"] for r in opened["reads"]] == [e["index"] for e in entries] and not opened["remarks"]
    assert fields_of(opened) == {("any identity", "identity"): 3}
    assert opened["exposure"]["countries"] == {"DE": 2, "FR": 1} and opened["exposure"]["organisations"] == {"org0": 2, "org1": 1}
    assert set(listed(server, opened["id"], tmp_path)) == shown
    assert f"open: {actor}, " in done(server, "list")
    survey = [e for e in audit_entries(server) if e["action"] == "incident.survey"][0]
    assert survey["actor"] == actor and survey["scope"] == f"whom {actor} was shown"
    earlier = asked(server, "open", "--member", actor, "--from", day(-30), "--to", day(-20))
    assert earlier["exposure"]["subjects"] == 0 and earlier["reads"] == []
    assert "nothing of somebody" in incident(server, "open", "--member", "somebody", *WINDOW).stderr


def test_an_account_that_exported_was_shown_everybody_of_those_days(server, stored, tmp_path):
    people = people_of(stored)
    entry, = [e for e in audit_entries(server) if e["action"] == "export"]
    assert "set" not in entry
    opened = asked(server, "open", "--credential", f"account:{entry['actor']}", *WINDOW)
    assert opened["kind"] == "credential" and opened["party"] == entry["actor"]
    assert opened["exposure"]["subjects"] == len(people) == PEOPLE and opened["exposure"]["sends"] == PEOPLE
    assert [(r["entry"], r["action"], r["subjects"]) for r in opened["reads"]] == [(entry["index"], "export", PEOPLE)]
    told = listed(server, opened["id"], tmp_path)
    assert {who: {name for name, _ in fields} for who, fields in told.items()} == people
    by_bare_name = asked(server, "open", "--credential", entry["actor"], *WINDOW)
    assert by_bare_name["exposure"] == opened["exposure"]
    of_export = asked(server, "open", "--export", entry["index"])
    assert of_export["kind"] == "export" and of_export["party"] == f"entry {entry['index']}"
    assert of_export["exposure"]["subjects_digest"] == opened["exposure"]["subjects_digest"]
    assert fields_of(of_export) == fields_of(opened)
    assert "public and can only write" in incident(server, "open", "--credential", "0123456789abcdef" * 2, *WINDOW).stderr
    assert incident(server, "open", "--export", "999999").returncode == 1


def test_an_export_of_some_events_is_counted_as_all_and_says_so(server, stored):
    server.export(day(-1), day(1), event=json.dumps(["Seen"]))
    entry = [e for e in audit_entries(server) if e["action"] == "export"][-1]
    opened = asked(server, "open", "--export", entry["index"])
    assert opened["exposure"]["subjects"] == PEOPLE
    assert any(f"entry {entry['index']} (export) chose some" in remark for remark in opened["remarks"])
    assert "note: entry" in done(server, "show", opened["id"])


def test_ourselves_is_what_lies_there(server, stored, tmp_path):
    people = people_of(stored)
    core = asked(server, "open", "--ourselves", "core", *WINDOW)
    assert core["kind"] == "ourselves" and core["party"] == "core"
    assert core["exposure"]["subjects"] == PEOPLE and core["exposure"]["sends"] == 70
    counted = {(f["name"], f["form"]): (f["subjects"], f["sends"]) for f in core["exposure"]["fields"]}
    for name in set.union(*people.values()):
        having = [e for e in stored if name in e["properties"]]
        form = "token" if all(re.fullmatch("<.*:.*>", str(e["properties"][name])) for e in having) else "plain"
        assert counted.pop((name, form)) == (len({e["properties"]["distinct_id"] for e in having}), len(having)), name
    assert not counted
    assert {who: {name for name, _ in fields} for who, fields in listed(server, core["id"], tmp_path).items()} == people
    assert core["exposure"]["countries"] == {"DE": 3, "FR": 3, "US": 3}

    kept = asked(server, "open", "--ourselves", "vault", *WINDOW)
    addressed = {e["properties"]["distinct_id"] for e in stored if VAULT_FIELD in e["properties"]}
    assert kept["exposure"]["subjects"] == len(addressed) == 3
    assert fields_of(kept) == {(VAULT_FIELD, "identity"): 3}
    assert kept["exposure"]["risk"]["low"] == 3 and set(listed(server, kept["id"], tmp_path)) == addressed

    intake = asked(server, "open", "--ourselves", "intake", *WINDOW)
    assert intake["exposure"]["subjects"] == PEOPLE and fields_of(intake)["raw requests", "plain"] == PEOPLE
    everything = asked(server, "open", "--ourselves", "everything", *WINDOW)
    assert fields_of(everything) == {**fields_of(core), **fields_of(kept), **fields_of(intake)}
    assert everything["exposure"]["sends"] == core["exposure"]["sends"] + 3
    assert asked(server, "open", "--ourselves", "core", "--from", day(-30), "--to", day(-20))["exposure"]["subjects"] == 0
    assert incident(server, "open", "--ourselves", "attic", *WINDOW).returncode == 1
    surveys = [e for e in audit_entries(server) if e["action"] == "incident.survey"]
    assert {e["scope"].split(":")[0] for e in surveys if e["project"] == 1} == {"core", "vault"}


def test_a_bulk_export_is_those_whom_its_pages_gave(tmp_path):
    with BulkheadServer() as server:
        server.import_events([event(n) for n in range(30)])
        server.wait_until_queryable()
        public = subprocess.run([binary(), "vault", "export", "new-key", tmp_path / "key"], capture_output=True, text=True, check=True).stdout.strip()

        def export(name, *words):
            return subprocess.run([binary(), "vault", "export", name, str(server.data), "--purpose", "legal obligation", *map(str, words)],
                                  capture_output=True, text=True, check=True).stdout

        bulk = export("ask", "--recipient", public, "--field", VAULT_FIELD).split()[0]
        assert incident(server, "open", "--export", bulk).returncode == 1  # it gave nothing yet
        server.stop()
        subprocess.run([pathlib.Path(binary()).parent / "age_exports", str(server.data), "24"], check=True)
        server.start()
        export("collect", "--export", bulk, "--key", tmp_path / "key", "--out", tmp_path / "out")
        given = {json.loads(line)["subject"] for line in (tmp_path / "out").read_text().splitlines()}
        pages = [e for e in audit_entries(server) if e["action"] == "export.page" and e["outcome"] == "allowed"]
        opened = asked(server, "open", "--export", bulk)
        assert {r["entry"] for r in opened["reads"]} == {e["index"] for e in pages} and len(given) == 3
        assert fields_of(opened) == {(VAULT_FIELD, "identity"): 3} and opened["exposure"]["risk"]["low"] == 3
        assert set(listed(server, opened["id"], tmp_path)) == given and opened["from"] == opened["to"] == day()


def test_what_follows_works_for_every_kind(server, stored, tmp_path):
    opened = asked(server, "open", "--ourselves", "core", *WINDOW, "--title", "core was entered")
    name = opened["id"]
    asked(server, "facts", name, "--set", "received=2025-11-25", "--source", "our own inquiry", "--role", "controller", "--established", "DE",
          "--risk", "high", "--class", "colour=user.health")
    duties = {d["id"]: d for d in asked(server, "deadlines", name, "--now", "2025-11-26T00:00:00Z")}
    assert duties["gdpr-33-1"]["state"] == "due" and duties["gdpr-33-1"]["due"] == "2025-11-28 00:00 UTC"
    done(server, "notices", name, "--out", tmp_path / "drafts")
    texts = [path.read_text() for path in (tmp_path / "drafts").glob("*.txt")]
    assert any("exposed" in text and "at ourselves" in text for text in texts) and not any("a vendor" in text for text in texts)
    assert "Where: ourselves." in (tmp_path / "drafts" / "authority.txt").read_text()
    corrected = asked(server, "correct", name, "--from", day(-30), "--to", day(-20), "--why", "another day")
    assert f"0 subjects are in the new window alone, {PEOPLE} in the old one alone" in corrected["changes"]
    assert f"window: ourselves (core), {day(-30)} to {day(-20)}, was ourselves (core), {day(-1)} to {day(1)}" in corrected["changes"]
    assert "closed: ourselves (core)" in done(server, "close", name, "--why", "done")
    refused = incident(server, "scorecard", name)
    assert refused.returncode == 1 and "of a vendor" in refused.stderr


def test_one_party_and_its_days_must_be_named(server):
    for words in (WINDOW, ("--member", "root"), ("--member", "root", "--ourselves", "core", *WINDOW), ("--vendor", "nobody", *WINDOW),
                  ("--credential", "vendor:nobody", *WINDOW), ("--member", "a@b.example", *WINDOW)):
        assert incident(server, "open", *words).returncode != 0, words


def test_the_erased_are_in_nothing(server, stored, tmp_path):
    actor = [e for e in audit_entries(server) if e["action"] == "reveal"][-1]["actor"]
    before = asked(server, "open", "--member", actor, *WINDOW)
    vault(server, "erase", "--id", "person0", "--purpose", "erasure request")
    server.wait_until_queryable()
    after = asked(server, "open", "--member", actor, *WINDOW)
    assert after["exposure"]["subjects"] == before["exposure"]["subjects"] - 1
    assert any("has been erased since" in remark for remark in after["remarks"])
    core = asked(server, "open", "--ourselves", "core", *WINDOW)
    assert core["exposure"]["subjects"] == PEOPLE - 1
    assert fields_of(asked(server, "open", "--ourselves", "vault", *WINDOW)) == {(VAULT_FIELD, "identity"): 2}
    gone = {e["properties"]["distinct_id"] for e in stored} - set(listed(server, core["id"], tmp_path))
    assert len(gone) == 1 and not gone & set(listed(server, after["id"], tmp_path))
