"""The register beside what was measured; blast radius as a number, also for CI; what a policy would send before it does."""

import json
import subprocess
import time

import pytest
from bulkhead_server import BulkheadServer, binary
from policy_file import write
from vendor_stand_in import done, set_policy, status

NOW = int(time.time())
POLICY = """[vendor.acme]
type = "files"
project = 1
[[vendor.acme.event]]
name = "Bought"
plain = ["plan", "town"]
token = ["company"]
"""
REGISTER = """schema = 1
[vendor.acme]
contract = "MSA 7"
fields = ["plan", "company"]
promised_hours = 48
contacts = ["security@acme.example"]
[[vendor.acme.review]]
date = 2020-01-01
by = "security"
outcome = "accepted"
[vendor.gone]
contract = "MSA 1"
"""


def event(n):
    return {"event": "Bought" if n % 5 else "Looked",
            "properties": {"time": NOW - 600 + n, "distinct_id": f"customer{n % 10}", "$insert_id": f"r{n}", "plan": f"plan{n % 3}",
                           "town": "Ouagadougou", **({"company": "needle-of-hay"} if n % 2 else {})}}


@pytest.fixture(scope="module")
def server():
    with BulkheadServer() as running:
        set_policy(running, POLICY)
        running.import_events([event(n) for n in range(100)])
        deadline = time.monotonic() + 40
        while status(running, "acme")["sent"] < 80:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield running


def run(*words):
    return subprocess.run([binary(), "vendor", *map(str, words)], capture_output=True, text=True, check=False)


def test_the_register_stands_beside_what_was_measured(server):
    write(server, REGISTER, "vendors.toml")
    acme, gone = json.loads(done(server, "register", "--json"))
    assert acme["in_policy"] and (acme["measured"]["subjects"], acme["measured"]["sends"]) == (8, 80)
    sent = {(field["name"], field["form"]): field["sends"] for field in acme["measured"]["fields"]}
    assert sent == {("plan", "plain"): 80, ("town", "plain"): 80, ("company", "token"): 40, ("event name", "plain"): 80, ("time", "coarse"): 80}
    assert acme["registered"]["promised_hours"] == 48 and acme["registered"]["days_since_review"] > 2000
    assert any('"town" was sent and is not in its terms' == one for one in acme["findings"])
    assert any("the last review was" in one for one in acme["findings"]) and not any("company" in one for one in acme["findings"])
    assert gone["measured"] is None and "the policy in force does not name it" in gone["findings"]
    shown = done(server, "register", "acme")
    assert '! "town" was sent' in shown and "gone" not in shown and "8 subjects, 80 sends" in shown
    assert run("register", server.data, "nobody").returncode == 1


def test_without_a_register_each_vendor_is_unknown_to_it(server):
    (server.data / "policy" / "vendors.toml").unlink(missing_ok=True)
    acme, = json.loads(done(server, "register", "--json"))
    assert acme["registered"] is None and acme["findings"] == ["the register does not know it"]


def test_a_register_is_checked_by_line_and_key(tmp_path):
    path = tmp_path / "vendors.toml"
    path.write_text(REGISTER)
    checked = run("register", "check", path)
    assert checked.returncode == 0 and "a register of 2 vendors" in checked.stdout
    path.write_text(REGISTER + "colour = 1\n")
    checked = run("register", "check", path)
    assert checked.returncode == 1 and f"{path}:{REGISTER.count(chr(10)) + 1}: vendor.gone.colour" in checked.stderr


def test_radius_of_vendors_credentials_and_ourselves(server):
    places = {(place["kind"], place["whose"]): place for place in json.loads(done(server, "radius", "--json"))}
    sent = places["vendor", "acme"]
    assert sent["people"] == 8  # plan and behaviour, and no way to write to them: 5 each
    assert sent["points"] == 8 * 5 and "no way to write to them" in sent["lines"][0]["arithmetic"]
    assert places["vendor's policy", "acme"]["people"] == 10
    core, vault, intake = (places["own part", whose] for whose in ("core", "vault", "intake"))
    assert core["people"] == vault["people"] == intake["people"] == 10
    assert 0 < core["points"] < vault["points"]
    assert {"user.contact.email", "user.name"} <= set(vault["lines"][0]["classes"])
    for place in places.values():
        assert place["points"] == sum(line["people"] * line["score"] for line in place["lines"])
    assert "not calibrated" in done(server, "radius")


@pytest.mark.parametrize("more, words, code, told", [
    ("", ("--max-rise", "0%"), 0, ""),
    ('plain = ["plan"]\n', ("--max-rise", "10%"), 1, "acme: 5 -> 15 points"),
    ('plain = ["plan"]\n', ("--max-rise", "300%"), 0, ""),
    ('plain = ["plan"]\n', ("--max", "14"), 1, "more than 14"),
    ('plain = ["plan"]\n', ("--max", "15"), 0, ""),
    ("", ("--max-rise", "many"), 1, "a number of per cent"),
])
def test_a_policys_rise_fails_the_build(tmp_path, more, words, code, told):
    base = 'schema = 1\n[vendor.acme]\ntype = "files"\nproject = 1\n[[vendor.acme.event]]\nname = "Bought"\n'
    (tmp_path / "old.toml").write_text(base)
    (tmp_path / "new.toml").write_text(base + more)
    result = run("radius", "--policy", tmp_path / "new.toml", "--against", tmp_path / "old.toml", *words)
    assert result.returncode == code, result
    assert told in result.stderr
    if more:
        assert "more: acme: field plan (plain), 0 -> 10" in result.stdout


def test_a_policy_is_tried_before_it_sends(server, tmp_path):
    candidate = tmp_path / "candidate.toml"
    candidate.write_text("schema = 1\n" + POLICY.replace('"Bought"', '"*"').replace('plain = ["plan", "town"]', 'plain = ["plan"]') +
                         POLICY.replace("acme", "zenith").replace('"Bought"', '"Looked"').replace("project = 1", 'project = 1\nshare = "all"'))
    before = status(server, "acme")["sent"]
    tried = done(server, "try", candidate)
    lines = tried.splitlines()
    assert lines[0] == "acme: 100 messages (now 80), 10 subjects (now 8)"
    assert "  field plan (plain): 100 messages (now 80), 10 subjects (now 8)" in lines
    assert "  field town (plain): 0 messages (now 80), 0 subjects (now 8)" in lines
    assert "zenith: 20 messages (now 0), 2 subjects (now 0)" in lines and "  stays        80  Bought" in lines
    assert any("Bought: plan text (plain), company token (token)" in line or "Bought: company token (token), plan text (plain)" in line
               for line in lines), tried
    assert "acme gets people that zenith gets too: what they do joins them" in lines
    for needle in ("needle-of-hay", "Ouagadougou", "plan1", "customer1"):
        assert needle not in tried
    divided = tmp_path / "divided.toml"
    divided.write_text(candidate.read_text().replace('share = "all"\n', ""))
    words = 'acme and zenith divide the people of project 1: each gets about half; share = "all" gives a vendor everybody'
    lines = done(server, "try", divided).splitlines()
    assert words in lines and "acme: 100 messages" not in lines[0]
    checked = subprocess.run([binary(), "policy", "check", divided], capture_output=True, text=True, check=True).stdout
    assert f"  {words}" in checked.splitlines()
    assert "acme: " not in done(server, "try", candidate, "--vendor", "zenith")
    assert run("try", server.data, candidate, "--vendor", "nobody").returncode == 1
    assert status(server, "acme")["sent"] == before
    entries = b"".join(path.read_bytes() for path in (server.data / "audit").rglob("*") if path.is_file() and "entries" in str(path))
    assert b"export" in entries


def test_a_vendor_that_is_left_keeps_its_radius(server):
    """Last of all: the policy names no vendor any more, and what was sent is there all the same."""
    set_policy(server, version=2)
    places = {(place["kind"], place["whose"]): place for place in json.loads(done(server, "radius", "--json"))}
    assert places["vendor", "acme"]["people"] == 8 and ("vendor's policy", "acme") not in places
    acme, = json.loads(done(server, "register", "--json"))
    assert "the policy in force does not name it; it has what it was sent" in acme["findings"]


def test_an_epochs_end_parts_what_was_sent():
    with BulkheadServer() as server:
        set_policy(server, POLICY)
        for half in (range(50), range(50, 100)):
            server.import_events([event(n) for n in half])
            deadline = time.monotonic() + 40
            while status(server, "acme")["sent"] < 40 * (1 + half.start // 50):
                assert time.monotonic() < deadline
                time.sleep(0.2)
            done(server, "new-epoch", "acme")

        def people():
            return next(place["people"] for place in json.loads(done(server, "radius", "--json")) if place["kind"] == "vendor")

        assert people() == 8  # of both epochs together, since both keys are there
        done(server, "forget-epoch", "acme", "1")
        assert people() == 8 and "each epoch for itself" in done(server, "radius")
        done(server, "forget-epoch", "acme", "2")
        assert people() == 0
