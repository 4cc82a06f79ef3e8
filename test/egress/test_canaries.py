"""Mail to a canary, or a sign-in as one, is an alarm that names vendor and epoch and opens an incident; anything else is none, and
nothing is relayed."""

import contextlib
import json
import os
import signal
import smtplib
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from audit_log import audit_entries
from bulkhead_server import BulkheadServer, binary, free_port
from policy_file import metrics
from vendor_stand_in import done, exposure, running_vendor, set_credential, set_policy, status, vendor_policy

DOMAIN = "mail.example.net"
NOW = int(time.time())


@pytest.fixture(scope="module")
def acme():
    """A server whose vendor has canaries."""
    with running_vendor() as stand_in, BulkheadServer(extra_arguments=["--egress-port", str(stand_in.port)]) as server:
        set_policy(server, vendor_policy("acme", stand_in.port, more=f'canaries = 50\ncanary_domain = "{DOMAIN}"\n'))
        set_credential(server, "acme")
        kept = {"os": "Linux", "plan": "pro", "town": "Lima"}
        for begin in range(0, 6000, 1000):
            server.import_events([{"event": "Bought", "properties": {"time": NOW - 600, "distinct_id": f"c{n}", "$insert_id": f"c{n}", **kept}}
                                  for n in range(begin, begin + 1000)])
        deadline = time.monotonic() + 120

        def all_sent(vendor):  # and canaries for every test
            return exposure(server, "acme")["subjects"] >= 6000 and not vendor["waiting"] and vendor["canaries"] > 7
        while not all_sent(status(server, "acme")):
            assert time.monotonic() < deadline, done(server, "list")
            time.sleep(0.3)
        yield server


@contextlib.contextmanager
def sink(server):
    smtp, http = free_port(), free_port()
    process = subprocess.Popen([binary(), "vendor", "sink", str(server.data), "--domain", DOMAIN, "--smtp", f"127.0.0.1:{smtp}",
                                "--http", f"127.0.0.1:{http}"], stdout=subprocess.PIPE, text=True)
    try:
        assert "mail on port" in process.stdout.readline()
        yield process, smtp, http
    finally:
        process.terminate()
        assert process.wait(10) == 0


def canaries(server):
    return json.loads(done(server, "canaries", "acme", "--json"))


def sights_recorded(server):
    return [entry for entry in audit_entries(server) if entry["action"] == "vendor.canary"]


def incident(server, *words):
    result = subprocess.run([binary(), "incident", words[0], str(server.data), *words[1:]], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result
    return result.stdout


def incidents_of_canaries(server):
    """Lines of those that a sight opened."""
    return [line for line in incident(server, "list").splitlines() if "canary of acme" in line]


def wait_until(holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def mail_to(smtp, *addresses):
    with smtplib.SMTP("127.0.0.1", smtp, timeout=10) as mail:
        mail.sendmail("offers@sender.example", addresses, "Subject: x\n\nneedle")


def test_a_sight_opens_one_incident_of_all_that_was_sent(acme):
    assert not incidents_of_canaries(acme)
    addresses = [one["address"] for one in canaries(acme)]
    with sink(acme) as (process, smtp, _):
        begin = time.monotonic()
        mail_to(smtp, addresses[2])
        assert json.loads(process.stdout.readline())["canaries"] == [{"vendor": "acme", "epoch": 1}]
        wait_until(lambda: incidents_of_canaries(acme), 5)
        print(f"open {time.monotonic() - begin:.2f} s after the mail")
        mail_to(smtp, *addresses[3:6])
        for _ in range(3):
            process.stdout.readline()
    wait_until(lambda: sum(entry["count"] for entry in sights_recorded(acme)) == status(acme, "acme")["canaries_seen"])
    line, = incidents_of_canaries(acme)
    name = line.split()[0]
    wait_until(lambda: status(acme, "acme")["canary_incident"] == name)
    assert f"incident {name}" in done(acme, "list")
    opened = json.loads(incident(acme, "show", name, "--json"))
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert opened["vendor"] == "acme" and opened["epoch"] == 1 and opened["to"] == today
    assert opened["exposure"]["subjects"] == 6000 and opened["title"].endswith("a canary of acme, epoch 1")
    entry, = [e for e in audit_entries(acme) if e["action"] == "incident.open"]
    assert entry["actor"] == "canary of acme" and name in entry["scope"]


def test_an_address_of_a_canary_alone_attributes_a_file_and_opens_an_incident(acme, tmp_path):
    leaked = tmp_path / "customers.csv"
    addresses = [one["address"] for one in canaries(acme)]
    strangers = [f"someone{n}@{DOMAIN}" for n in range(20)]
    leaked.write_text("name,mail\n" + "".join(f"x,{address}\n" for address in [addresses[0].upper(), *strangers, addresses[1]]))
    report = json.loads(incident(acme, "match", str(leaked), "--json"))
    source, = report["sources"]
    assert report["attributed"] == {"vendor": "acme", "epoch": 1} and (report["records"], report["genuine_records"]) == (22, 2)
    assert source["canaries"] == ["0", "1"] and source["canaries_by_address_alone"] == 2 and source["matched_ids"] == 0
    assert source["known_canaries"] == status(acme, "acme")["canaries"]
    assert "2 canaries of acme, epoch 1 (2 by their address alone): 0, 1" in incident(acme, "match", str(leaked))
    leaked.write_text("id\n" + "".join(f"{one['id']}\n" for one in canaries(acme)[:3]))
    by_id = json.loads(incident(acme, "match", str(leaked), "--json"))["sources"][0]
    assert (by_id["matched_ids"], by_id["canaries"], by_id["canaries_by_address_alone"]) == (3, ["0", "1", "2"], 0)
    leaked.write_text("mail\n" + "\n".join(strangers) + "\n")
    assert json.loads(incident(acme, "match", str(leaked), "--json"))["attributed"] is None
    refused = subprocess.run([binary(), "incident", "match", str(acme.data), str(leaked), "--open"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "no incident is opened" in refused.stderr


def test_sights_outlive_a_kill_right_behind_them(acme):
    before = status(acme, "acme")["canaries_seen"]
    recorded = sum(entry["count"] for entry in sights_recorded(acme))
    address = canaries(acme)[6]["address"]
    former = acme.compartments()["egress"]
    with sink(acme) as (process, smtp, _):
        mail_to(smtp, address)
        assert json.loads(process.stdout.readline())["canaries"]
        os.kill(former, signal.SIGKILL)
    wait_until(lambda: acme.compartments().get("egress") not in (None, former))

    def seen():
        told = subprocess.run([binary(), "vendor", "list", str(acme.data), "--json"], capture_output=True, text=True, check=False)
        return told.returncode == 0 and [one["canaries_seen"] for one in json.loads(told.stdout)] == [before + 1]
    wait_until(seen, 60)
    wait_until(lambda: sum(entry["count"] for entry in sights_recorded(acme)) in (recorded + 1, recorded + 2))
    assert len(incidents_of_canaries(acme)) == 1


def test_mail_to_a_canary_names_its_vendor_and_epoch(acme):
    address = canaries(acme)[0]["address"]
    before = status(acme, "acme")["canaries_seen"]
    with sink(acme) as (process, smtp, _):
        with smtplib.SMTP("127.0.0.1", smtp, timeout=10) as mail:
            refused = mail.sendmail("offers@sender.example", [address.upper(), "somebody.else@" + DOMAIN, "a@elsewhere.example"], "Subject: x\n\nneedle")
        assert set(refused) == {"a@elsewhere.example"}
        told = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert told[0]["canaries"] == [{"vendor": "acme", "epoch": 1}] and told[0]["address"] == address
    assert told[0]["sender_domain"] == "sender.example" and told[0]["via"] == "smtp" and told[0]["from"] == "127.0.0.1"
    assert told[1]["canaries"] == [] and told[1]["address"] is None
    assert "needle" not in str(told) and "offers" not in str(told)
    assert status(acme, "acme")["canaries_seen"] == before + 1
    assert "CANARIES SEEN" in done(acme, "list")
    wait_until(lambda: "vendor acme, epoch 1, mail" in {entry["scope"] for entry in sights_recorded(acme)})
    assert address.split("@")[0] not in str(audit_entries(acme))
    wait_until(lambda: f"bulkhead_vendor_canaries_seen_total {before + 1}" in metrics(acme))


def test_a_sign_in_as_a_canary_is_seen(acme):
    address = canaries(acme)[1]["address"]
    before = status(acme, "acme")["canaries_seen"]
    with sink(acme) as (process, _, http):
        body = urllib.parse.urlencode({"user": address, "password": "guess"}).encode()
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"http://127.0.0.1:{http}/login", data=body, timeout=10)
        told = json.loads(process.stdout.readline())
    assert told["via"] == "http" and told["canaries"] == [{"vendor": "acme", "epoch": 1}] and "guess" not in str(told)
    assert status(acme, "acme")["canaries_seen"] == before + 1


def test_the_sink_takes_no_more_than_it_must(acme):
    with sink(acme) as (_, smtp, _), smtplib.SMTP("127.0.0.1", smtp, timeout=10) as mail:
        mail.ehlo()
        assert mail.mail("a@b.example")[0] == 250
        assert mail.rcpt("x@elsewhere.example")[0] == 550
        assert mail.docmd("DATA")[0] == 503
        assert mail.docmd("VRFY root")[0] == 502
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            mail.docmd("NOOP " + "x" * 100_000)
            mail.docmd("NOOP")


def test_without_a_server_there_is_no_sink(tmp_path):
    result = subprocess.run([binary(), "vendor", "sink", str(tmp_path), "--domain", DOMAIN, "--smtp", "127.0.0.1:0"], capture_output=True,
                            text=True, check=False)
    assert result.returncode != 0 and "no server runs" in result.stderr
