"""Notices from the incident to the mailbox and back: what a relay received is verified by another implementation of DKIM, its code is typed
into the page, and nobody is lost or told twice, whatever the relay does."""

import base64
import email
import email.policy
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.parse

import dkim
import pytest
from audit_log import audit_entries, subjects_of
from bulkhead_server import BulkheadServer, binary
from incident_room import NOW, WINDOW, asked, done, incident
from mail_sink import PASSWORD, USER, running_sink

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "egress"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "containment"))
from policy_file import wait_for_metric  # noqa: E402
from process_memory import dump  # noqa: E402
from search import search  # noqa: E402
from vendor_stand_in import running_vendor, set_credential, set_policy, vendor_policy  # noqa: E402

FIELDS = 'plain = ["plan", "town"]\n'


def person(n):
    return f"Person{n}@Needle-Mail.example"


def address(n):
    return person(n).lower()


def event(n, town=False, **more):
    return {"event": "Bought", "properties": {"time": NOW - 600, "distinct_id": f"customer{n}", "$insert_id": f"n-{n}", "plan": "pro",
                                              **({"town": "Ouagadougou"} if town else {}), **more}}


def settings(server, sink, more="", **changes):
    values = {"from": "security@example.com", "from_name": "Example Security", "check_page": "example.com/notice", "domain": "example.com",
              "host": "localhost", "tls": "starttls", "user": USER, "rate": 100, **changes}
    (server.data / "policy" / "relay-ca.pem").write_bytes(sink.authority.read_bytes())
    (server.data / "policy" / "notice.toml").write_text(
        f'schema = 1\nfrom = "{values["from"]}"\nfrom_name = "{values["from_name"]}"\ncheck_page = "{values["check_page"]}"\n'
        f'[dkim]\ndomain = "{values["domain"]}"\nrsa_selector = "nr"\ned25519_selector = "ne"\n'
        f'[relay]\nhost = "{values["host"]}"\nport = {sink.port}\ntls = "{values["tls"]}"\nuser = "{values["user"]}"\n'
        f'authorities = "relay-ca.pem"\nallow_addresses = ["127.0.0.1"]\nmails_per_second = {values["rate"]}\n{more}')


class Place:
    """A server whose vendor leaked, and the relay that it mails by."""

    def __init__(self, server, stand_in, sink):
        self.server, self.stand_in, self.sink = server, stand_in, sink

    def feed(self, events):
        """Events that the vendor gets, and no others of it are in the incident yet."""
        before = len(self.stand_in.by_id())
        self.server.import_events(events)
        self.stand_in.wait(lambda v: len(v.by_id()) >= before + len(events))
        self.server.wait_until_queryable()

    def open(self, *party):
        opened = asked(self.server, "open", *(party or ("--vendor", "acme")), *WINDOW)["id"]
        done(self.server, "facts", opened, "--organisation-name", "Example Ltd", "--happening", "An attacker exported data at our vendor.",
             "--contact", "privacy at example.com", "--measure", "The vendor was removed.", "--not-exposed", "passwords", "--complete", "yes")
        return opened

    def progress(self, opened):
        return asked(self.server, "sending", opened)

    def wait_until_over(self, opened, seconds=40):
        deadline = time.monotonic() + seconds
        while any(one["waiting"] for one in self.progress(opened)["sendings"]):
            assert time.monotonic() < deadline, self.progress(opened)
            time.sleep(0.1)

    def records(self):
        found = {}
        for line in done(self.server, "dkim", "--domain", "example.com").splitlines():
            name, _, record = line.partition(" TXT ")
            if record:
                found[name] = record
        return found

    def check(self, code, to, accept="application/json", client=None):
        body = urllib.parse.urlencode({"code": code, "address": to})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": accept}
        if client:
            headers["X-Forwarded-For"] = client
        status, headers, body = self.server.request("POST", "/notice", body.encode(), headers)
        return status, headers, body


_clients = iter(f"198.51.{n // 250}.{n % 250 + 1}" for n in range(60000))


def answer(place, code, to):
    status, _, body = place.check(code, to, client=next(_clients))
    assert status == 200, body
    return json.loads(body)


@pytest.fixture
def place(tmp_path):
    with running_vendor() as stand_in, running_sink(tmp_path / "relay") as sink, BulkheadServer(extra_arguments=[
            "--egress-port", str(stand_in.port), "--egress-port", str(sink.port), "--trusted-proxy", "127.0.0.1"]) as server:
        set_policy(server, vendor_policy("acme", stand_in.port, event=FIELDS))
        set_credential(server, "acme")
        settings(server, sink)
        done(server, "relay-credential", stdin=PASSWORD + "\n")
        yield Place(server, stand_in, sink)


def verdicts(content, records):
    def ask(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode()

    return [dkim.DKIM(content).verify(idx=number, dnsfunc=ask) for number in range(2)]


def words_of(content):
    plain, _ = email.message_from_bytes(content, policy=email.policy.default).iter_parts()
    return plain.get_content()


def code_of(content):
    return re.search(r"Your code: (\S+)", words_of(content)).group(1)


def tree_root(leaves):
    """RFC 6962, over leaf hashes in order."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + tree_root(leaves[:half]) + tree_root(leaves[half:])).digest()


def root_of_path(leaf, index, size, path):
    """What RFC 9162, 2.1.3.2, makes of an inclusion proof."""
    root, last = leaf, size - 1
    for sibling in path:
        if index % 2 == 1 or index == last:
            root = hashlib.sha256(b"\x01" + sibling + root).digest()
            while index % 2 == 0 and index != 0:
                index, last = index // 2, last // 2
        else:
            root = hashlib.sha256(b"\x01" + root + sibling).digest()
        index, last = index // 2, last // 2
    assert last == 0
    return root


def leaf_of(opened, to, code):
    text = "bulkhead notice recipient" + "".join(f"\n{len(t)} {t}" for t in (opened, to, code))
    return hashlib.sha256(b"\0" + text.encode()).digest()


def recorded(server, action):
    return [entry for entry in audit_entries(server) if entry["action"] == action]


def test_from_the_incident_to_the_mailbox_and_back(place, tmp_path):
    server, sink = place.server, place.sink
    place.feed([event(n, town=n < 3, **{"$email": person(n)}) for n in range(5)] + [event(5)])
    opened = place.open()
    done(server, "facts", opened, "--class", "town=user.contact.email")

    tried = asked(server, "send", opened, "--dry-run", "--example", tmp_path / "example.eml")
    assert (tried["subjects"], tried["recipients"], tried["not_revealed"], tried["lacks"]) == (6, 0, 6, [])
    assert "sending" not in tried and place.progress(opened)["sendings"] == [] and not recorded(server, "notice")
    assert not recorded(server, "reveal"), "a dry run looks nobody's address up"
    records = place.records()
    assert set(records) == {"nr._domainkey.example.com", "ne._domainkey.example.com"}
    assert verdicts((tmp_path / "example.eml").read_bytes(), records) == [True, True]

    sent = asked(server, "send", opened)
    assert (sent["recipients"], sent["without_address"], sent["not_revealed"]) == (5, 1, 0)
    place.wait_until_over(opened)
    assert sorted(sink.to()) == [address(n) for n in range(5)]
    assert set(sink.to()[:3]) == {address(0), address(1), address(2)}, "who is more at risk is told first"
    codes = {}
    for to, content in sink.mails:
        assert verdicts(content, records) == [True, True]
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert message["From"].addresses[0].addr_spec == "security@example.com" and message["To"].addresses[0].addr_spec == to
        assert "://" not in words_of(content) and "example.com/notice" in words_of(content)
        codes[to] = code_of(content)
    assert len(set(codes.values())) == 5 and all(sink.sign_ins)

    # What the audit log had before: who, and a commitment to all of them and to the words.
    entries = audit_entries(server)
    commitment = entries[sent["entry"]]
    leaves = sorted(leaf_of(opened, to, code) for to, code in codes.items())
    assert commitment["action"] == "notice" and commitment["count"] == 5
    assert commitment["scope"] == "recipients " + tree_root(leaves).hex()
    told, = recorded(server, "incident.send")
    assert len(subjects_of(server, told)) == 5 and entries.index(told) < sent["entry"]
    assert "@" not in json.dumps(entries)

    proof = json.loads(done(server, "proof", opened, "--address", "-", "--out", tmp_path / "receipt", stdin=person(2) + "\n"))
    leaf = leaf_of(opened, address(2), codes[address(2)])
    assert proof["leaf"] == leaf.hex() and proof["root"] == tree_root(leaves).hex() and proof["entry"] == sent["entry"]
    assert leaves[proof["index"]] == leaf
    assert root_of_path(leaf, proof["index"], len(leaves), [bytes.fromhex(one) for one in proof["path"]]).hex() == proof["root"]
    checked = subprocess.run([binary(), "audit", "check-receipt", str(tmp_path / "receipt"), "--key",
                              str(server.data / "audit" / "audit.pub")], capture_output=True, text=True, check=False)
    assert checked.returncode == 0 and "notice" in checked.stdout, checked
    assert incident(server, "proof", opened, "--address", "-", stdin="other@example.org\n").returncode == 1

    again = asked(server, "send", opened)
    assert again["recipients"] == 0 and again["covered"] == 5 and len(place.progress(opened)["sendings"]) == 1
    assert len(sink.mails) == 5

    the_page_answers(place, opened, codes)
    addresses_are_nowhere(place, tmp_path)


def the_page_answers(place, opened, codes):
    server = place.server
    yes = answer(place, codes[address(0)].lower().replace("-", " "), f"  {person(0)} ")
    assert yes["answer"] == "yes" and yes["incident"] == opened and yes["told_ms"] > 0
    assert {one["field"] for one in yes["exposed"]} == {"event name", "time", "plan", "town"}
    assert {one["field"] for one in answer(place, codes[address(4)], person(4))["exposed"]} == {"event name", "time", "plan"}
    seen = recorded(server, "notice.check")
    assert len(seen) == 2 and all(entry["actor"] == "notice page" and entry["count"] == 1 for entry in seen)
    no = [answer(place, codes[address(0)], person(1)), answer(place, codes[address(0)], "nobody@example.org"),
          answer(place, codes[address(0)], "no address")]
    assert all(set(one) == {"answer", "at_ms", "statement", "signature", "key"} and one["answer"] == "no" for one in no)
    assert len(recorded(server, "notice.check")) == 2, "who is not known is not read"

    # Signed, by a key that OpenSSL reads.
    status, _, pem = server.request("GET", "/notice/key")
    assert status == 200
    folder = server.base
    (folder / "key.pem").write_bytes(pem)
    for one in (yes, *no):
        (folder / "statement").write_text(one["statement"])
        (folder / "signature").write_bytes(base64.b64decode(one["signature"]))
        verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "statement", "-sigfile", "signature"]
        assert subprocess.run(verify, cwd=folder, capture_output=True, check=False).returncode == 0
    (folder / "statement").write_text(yes["statement"].replace("answer: yes", "answer: no"))
    assert subprocess.run(verify, cwd=folder, capture_output=True, check=False).returncode != 0
    asked_hash = hashlib.sha256(f"{codes[address(0)]}\n{address(0)}".encode()).hexdigest()
    assert f"\nasked: {asked_hash}\n" in yes["statement"] and f"\naudit log entry: {yes['entry']}\n" in yes["statement"]

    status, headers, body = place.check(codes[address(0)], person(0), accept="text/html", client=next(_clients))
    text = body.decode()
    assert status == 200 and "Yes, this notice is ours" in text and "town" in text and person(0) not in text
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script" not in text
    assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer" and "Set-Cookie" not in headers
    mistyped = codes[address(0)][:-1] + ("Y" if codes[address(0)].endswith("Z") else "Z")
    status, _, body = place.check(mistyped, person(0), accept="text/html", client=next(_clients))
    assert status == 400 and "typing mistake" in body.decode()
    status, _, body = server.request("GET", "/notice")
    assert status == 200 and b'method="post"' in body
    assert server.request("GET", "/notice?code=x&address=y")[0] == 200
    assert server.request("POST", "/notice", b"x" * 5000, {"Content-Type": "application/x-www-form-urlencoded"})[0] == 400


def addresses_are_nowhere(place, scratch):
    """No file, log or audit entry has an address in clear, and neither core's nor intake's memory keeps one."""
    server = place.server
    needles = {address(n): "an address" for n in range(5)} | {person(n): "an address" for n in range(5)}
    found = [hit for hit in search(needles, server.base, scratch)]
    assert not found, found
    # Requests of others, which take the places of the last one.
    for _ in range(20):
        server.request("GET", "/notice")
    memories = scratch / "memories"
    memories.mkdir()
    for name in ("core", "intake", "audit"):
        dump(server.compartments()[name], memories / name)
    found = search(needles, memories, scratch)
    assert not found, found


def test_only_so_many_checks(place):
    codes = [place.check("0000-0000-0000-0000", "x@example.org", client="203.0.113.7")[0] for _ in range(12)]
    assert codes[:10] == [200] * 10 and codes[10:] == [429] * 2
    status, headers, _ = place.check("0000-0000-0000-0000", "x@example.org", client="203.0.113.7")
    assert status == 429 and headers["Retry-After"]
    assert place.check("0000-0000-0000-0000", "x@example.org", client="203.0.113.8")[0] == 200
    v6 = [place.check("0000-0000-0000-0000", "x@example.org", client=f"2001:db8::{n:x}")[0] for n in range(11)]
    assert v6[-1] == 429, "a network counts as one"


def test_nobody_is_lost_whatever_the_relay_does(place):
    server, sink = place.server, place.sink
    place.feed([event(n, **{"$email": person(n)}) for n in range(8)])
    opened = place.open()
    tries = {}

    def behave(what, to):
        n = tries[what, to] = tries.get((what, to), 0) + 1
        rules = {address(1): ("rcpt", "450 4.7.1 come back later"), address(3): ("data", "451 not now"), address(4): ("rcpt", "hang up"),
                 address(5): ("data", "take and hang up")}
        if to == address(2) and what == "rcpt":
            return f"550 5.1.1 <{to}> unknown"
        when, reply = rules.get(to, (None, None))
        return reply if when == what and n == 1 else None

    sink.behave = behave
    asked(server, "send", opened)
    place.wait_until_over(opened, 60)
    to = sink.to()
    assert sorted(set(to)) == [address(n) for n in range(8) if n != 2], "one bad recipient blocks no other"
    assert [to.count(address(n)) for n in (0, 1, 3, 4, 6, 7)] == [1] * 6
    twice = sink.mail_to(address(5))
    ids = {email.message_from_bytes(content)["Message-ID"] for content in twice}
    assert len(twice) == 2 and len(ids) == 1, "what is not known to have arrived is sent again under the same id"
    progress = asked(server, "sending", opened, "--undelivered")
    one, = progress["sendings"]
    assert (one["told"], one["refused"]) == (7, 1) and progress["undelivered"][0]["code"] == 550 and not progress["trouble"]
    entry, = recorded(server, "incident.undelivered")
    assert subjects_of(server, entry) == [progress["undelivered"][0]["subject"]]
    assert "unknown" not in server.output_text() and "@" not in server.output_text().replace(person(2), "")

    assert asked(server, "send", opened)["recipients"] == 0, "whom the relay refused is not mailed by itself"
    sink.behave = lambda what, to: None
    assert asked(server, "send", opened, "--refused")["recipients"] == 1
    place.wait_until_over(opened)
    assert sink.to().count(address(2)) == 1 and len(sink.to()) == 9


def test_a_relay_that_is_down_or_is_another_gets_nothing(place):
    server, sink = place.server, place.sink
    place.feed([event(n, **{"$email": person(n)}) for n in range(2)])
    opened = place.open()
    sink.stop()
    asked(server, "send", opened)

    def trouble(expected, seconds=30):
        deadline = time.monotonic() + seconds
        while expected not in place.progress(opened)["trouble"]:
            assert time.monotonic() < deadline, place.progress(opened)
            time.sleep(0.1)

    trouble("onnect")
    wait_for_metric(server, "bulkhead_notices_troubled 1")
    (server.data / "policy" / "relay-ca.pem").write_bytes(pathlib.Path("/etc/ssl/certs/ca-certificates.crt").read_bytes()[:4000].rpartition(
        b"-----BEGIN")[0])
    sink.start()
    done(server, "relay-credential", stdin=PASSWORD + "\n")
    trouble("certificate")
    settings(server, sink)
    done(server, "relay-credential", stdin="another password\n")
    trouble("535")
    settings(server, sink, more='unknown_key = 1\n')
    done(server, "relay-credential", stdin=PASSWORD + "\n")
    trouble("unknown key")
    settings(server, sink, host="10.1.2.3")
    done(server, "relay-credential", stdin=PASSWORD + "\n")
    trouble("not one that is allowed")
    assert not sink.mails
    settings(server, sink)
    done(server, "relay-credential", stdin=PASSWORD + "\n")
    place.wait_until_over(opened)
    assert sorted(sink.to()) == [address(0), address(1)] and not place.progress(opened)["trouble"]


def test_egress_may_be_killed(place):
    server, sink = place.server, place.sink
    people = 60
    place.feed([event(n, **{"$email": person(n)}) for n in range(people)])
    opened = place.open()
    settings(server, sink, rate=50)
    asked(server, "send", opened)
    for kill in range(4):
        sink.wait(lambda s: len(s.mails) >= 10 * (kill + 1))
        os.kill(server.compartments()["egress"], signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        try:
            if not any(one["waiting"] for one in place.progress(opened)["sendings"]):
                break
        except AssertionError:  # egress is being started again
            pass
        assert time.monotonic() < deadline
        time.sleep(0.2)
    to = sink.to()
    assert set(to) == {address(n) for n in range(people)}, "somebody was lost"
    twice = [one for one in set(to) if to.count(one) > 1]
    assert len(twice) <= 4 and all(to.count(one) == 2 for one in twice), "more than those in flight were told twice"


def test_a_wider_scope_tells_those_who_were_not_told_and_erased_ones_are_left_out(place):
    server, sink = place.server, place.sink
    place.feed([event(n, **{"$email": person(n)}) for n in range(3)])
    opened = place.open()
    asked(server, "send", opened)
    place.wait_until_over(opened)
    place.feed([event(n, **{"$email": person(n)}) for n in range(3, 7)])
    done(server, "correct", opened, *WINDOW, "--why", "the vendor widened the scope")
    sink.behave = lambda what, to: "450 later" if what == "rcpt" and to == address(5) else None
    sent = asked(server, "send", opened)
    assert (sent["subjects"], sent["covered"], sent["recipients"], sent["version"]) == (7, 3, 4, 3)
    sink.wait(lambda s: len(s.mails) == 6)
    erased = subprocess.run([binary(), "vault", "erase", str(server.data), "--id", "customer5", "--purpose", "erasure request"],
                            capture_output=True, text=True, check=False)
    assert erased.returncode == 0, erased
    deadline = time.monotonic() + 30
    while place.progress(opened)["sendings"][1]["erased"] != 1:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    sink.behave = lambda what, to: None
    time.sleep(11)  # longer than it was postponed
    assert sorted(sink.to()) == [address(n) for n in (0, 1, 2, 3, 4, 6)]
    assert [one["recipients"] for one in place.progress(opened)["sendings"]] == [3, 4]


def test_beyond_the_budget_the_operator_brings_the_vaults_export(place, tmp_path):
    server, sink = place.server, place.sink
    people = 230
    place.feed([event(n, **{"$email": person(n)}) for n in range(people)])
    opened = place.open()
    subjects = tmp_path / "subjects"
    done(server, "subjects", opened, "--out", subjects)
    ids = [json.loads(line)["subject"] for line in subjects.read_text().splitlines()]
    lines = [json.dumps({"subject": one, "field": "$email", "value": f"Export{n}@Needle-Mail.example", "last_seen_ms": 1, "current": True,
                         "from_profile": True}) for n, one in enumerate(ids[:100])]
    file = tmp_path / "addresses"
    file.write_text("\n".join(lines + ['{"subject":"' + ids[0] + '","field":"$phone","value":"1","current":true}', ""]))
    tried = asked(server, "send", opened, "--addresses", file, "--dry-run")
    assert (tried["recipients"], tried["not_revealed"]) == (100, 130)
    sent = asked(server, "send", opened, "--addresses", file)
    assert (sent["recipients"], sent["not_revealed"]) == (230, 0), "what was brought costs nothing of the budget"
    place.wait_until_over(opened, 90)
    assert len(set(sink.to())) == 230 and f"export{0}@needle-mail.example" in sink.to()

    place.feed([event(n, **{"$email": person(n)}) for n in range(people, people + 90)])
    done(server, "correct", opened, *WINDOW, "--why", "more")
    sent = asked(server, "send", opened)
    assert (sent["recipients"], sent["not_revealed"]) == (70, 20), "200 subjects a day"
    for wrong in ("no json\n", '{"field":"$email","current":true,"value":"a@b.de"}\n'):
        file.write_text(wrong)
        refused = incident(server, "send", opened, "--addresses", file)
        assert refused.returncode == 1 and ":1: " in refused.stderr, refused


def test_an_incident_at_ourselves_is_told_to_whom_the_vault_has(place):
    place.feed([event(n, **{"$email": person(n)}) for n in range(3)] + [event(5)])
    opened = place.open("--ourselves", "vault")
    sent = asked(place.server, "send", opened)
    assert (sent["subjects"], sent["recipients"], sent["without_address"]) == (3, 3, 0)
    place.wait_until_over(opened)
    assert sorted(place.sink.to()) == [address(n) for n in range(3)]
    content = place.sink.mail_to(address(0))[0]
    assert "exposed at ourselves" in words_of(content)
    told = answer(place, code_of(content), person(0))
    assert told["vendor"] == "ourselves"


def test_a_notice_that_lacks_facts_waits(place):
    server = place.server
    place.feed([event(0, **{"$email": person(0)})])
    opened = asked(server, "open", "--vendor", "acme", *WINDOW)["id"]
    refused = incident(server, "send", opened)
    assert refused.returncode == 1 and "lacks" in refused.stderr and "what happened" in refused.stderr
    assert not place.sink.mails
    (server.data / "policy" / "notice.toml").unlink()
    refused = incident(server, "send", opened, "--incomplete")
    assert refused.returncode == 1 and "notice.toml" in refused.stderr
    settings(server, place.sink, more="rate = 1\n")
    assert "relay.rate: unknown key" in incident(server, "send", opened, "--incomplete").stderr
    settings(server, place.sink)
    assert asked(server, "send", opened, "--incomplete")["recipients"] == 1
    place.wait_until_over(opened)
    assert "Not known yet" in words_of(place.sink.mail_to(address(0))[0])


def test_keys_are_changed_and_old_notices_stay_good(place):
    server, sink = place.server, place.sink
    place.feed([event(0, **{"$email": person(0)})])
    opened = place.open()
    asked(server, "send", opened)
    place.wait_until_over(opened)
    code = code_of(sink.mail_to(address(0))[0])
    for key in ("notice-code", "notice-signing", "dkim", "vendor"):
        changed = subprocess.run([binary(), "keys", "rotate", str(server.data), key], capture_output=True, text=True, check=False)
        assert changed.returncode == 0, changed
    deadline = time.monotonic() + 30
    while server.request("GET", "/notice/key", headers={"X-Forwarded-For": next(_clients)})[2].count(b"BEGIN PUBLIC KEY") != 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert answer(place, code, person(0))["answer"] == "yes"
    assert len(place.records()) == 4
    retired = subprocess.run([binary(), "keys", "retire", str(server.data), "notice-code"], capture_output=True, text=True, check=False)
    assert retired.returncode != 0, "nobody can tell that no notice needs it"
