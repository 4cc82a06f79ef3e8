"""A stolen data directory without its root key yields nothing but sizes: of what was sent, asked and set up, every file is searched
for the names and ids as well as for the values. What lies open by design is listed here, as in docs/threat-model.md."""

import re
import subprocess

import pytest
from bulkhead_server import BulkheadServer, binary
from search import search
from test_memory import Told
from test_needles import send_updates
from policy_file import wait_for_metric, write
from workload import Routes, Workload

# What may be read in which file; anything else must be found nowhere.
OPEN = {
    "audit/": {"account", "reference", "erased pseudonym"},  # who did what, verifiable by anybody; who was erased, for restores
    "policy/": {"property of the policy"},  # the operator's own text
}
# Files that can be read as text, and nothing in them that is looked for.
PLAIN = {"audit", "policy", "vault.conf",
         "server.address",  # while it runs
         "import"}  # how far into which file, by a hash of its path
READABLE_RUN = re.compile(rb"[ -~]{24,}")  # random bytes have one in 20 GB
PROJECT = "Zephyrwidgets"
# Nobody answers there: everything waits in its queue, and stands in the ledger.
VENDOR = ('[vendor.acme]\ntype = "webhook"\nproject = 1\nurl = "http://127.0.0.1:9"\nallow_addresses = ["127.0.0.1"]\n'
          '[[vendor.acme.event]]\nname = "*"\nplain = ["*"]\n[vendor.acme.profile]\nplain = ["*"]\n')
CREDENTIAL = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
EVENTS = ("Quibbled Ledger", "Unfurled Banner")


def bulkhead(*words):
    done = subprocess.run([binary(), *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return done.stdout


def fill(server):
    """{needle: what it is} of a run through everything that leaves something on the disk."""
    server.import_events([
        {"event": EVENTS[n % 2], "properties": {"time": 1768435200 + n, "distinct_id": f"vexedcustomer{n % 7}", "$insert_id": f"i-{n}",
                                                "marmotbreed": f"alpine{n % 3}", "$city": "Ouagadougou"}} for n in range(3000)])
    server.post_json("/engage", [{"$token": server.token, "$distinct_id": "vexedcustomer1",
                                  "$set": {"$email": "norvell@quaxley-mail.com", "$first_name": "Norvellina", "hobbyhorse": "peony"}}])
    server.wait_until_queryable()
    shown = bulkhead("vault", "reveal", server.data, "--id", "vexedcustomer1", "--purpose", "support request", "--reference", "ticketnine")
    assert "norvell@quaxley-mail.com" in shown
    funnel = {"project_id": server.project, "name": "Marmot funnel", "steps": [{"event": EVENTS[0]}, {"event": EVENTS[1]}]}
    status, _, body = server.post_json("/api/v1/funnels", funnel, authorized=True)
    assert status == 201, body
    for event in server.export("2026-01-10", "2026-01-20")[:1]:
        pseudonym = event["properties"]["distinct_id"]
    assert re.fullmatch("[0-9a-f]{32}", pseudonym)
    revealed = bulkhead("vault", "find", server.data, "--email", "norvell@quaxley-mail.com", "--purpose", "support request").split()
    erased = bulkhead("vault", "erase", server.data, "--id", "vexedcustomer2", "--purpose", "erasure request").split()[1]
    return {
        PROJECT: "project", EVENTS[0]: "event", EVENTS[1]: "event", "marmotbreed": "property", "alpine1": "value",
        "Ouagadougou": "value", "hobbyhorse": "property", "peony": "value", "vexedcustomer": "raw id", "quaxley": "address",
        "Marmot funnel": "funnel", server.token: "project token", server.secret: "secret", server.username: "account",
        pseudonym: "pseudonym", revealed[0]: "pseudonym", erased: "erased pseudonym", "ticketnine": "reference", "polecat": "property of the policy",
        "$first_name": "field", "Norvellina": "name"}


def raw_forms(needles):
    """Pseudonyms lie in files as their sixteen bytes, too."""
    return {bytes.fromhex(needle): what for needle, what in needles.items() if "pseudonym" in what}


def is_open(path, what):
    return any(path.startswith(folder) and what in whats for folder, whats in OPEN.items())


def import_by_command(server, folder):
    file = folder / "quincunx-export.ndjson"
    file.write_text('{"event":"Quibbled Ledger","properties":{"time":1768435200,"distinct_id":"vexedcustomer3","$insert_id":"j-1"}}\n')
    bulkhead("import", server.data, file)
    return {"quincunx": "imported file's name"}


def send_needles(server):
    workload = Workload(server, 3000, 20261129)
    Routes(server, workload.needles, 20261129).send_all(workload.events())
    send_updates(server, workload, Told())
    return workload.needles


def seen_in(stolen, needles, scratch):
    """{(file, what)} of all that was found."""
    found = {(path, what) for path, what, _ in search(needles, stolen, scratch)}
    for path, content in files_of(stolen):
        found |= {(path, what) for raw, what in raw_forms(needles).items() if raw in content}
    return found


def files_of(folder):
    return [(str(file.relative_to(folder)), file.read_bytes()) for file in sorted(folder.rglob("*")) if file.is_file()]


def check_copy(stolen, needles, scratch):
    found = seen_in(stolen, needles, scratch)
    unexpected = sorted((path, what) for path, what in found if not is_open(path, what))
    assert not unexpected, unexpected
    # What is said to lie open does: else the list says too much.
    for folder, whats in OPEN.items():
        for what in whats:
            assert any(path.startswith(folder) and found_what == what for path, found_what in found), (folder, what)
    plain = {path for path, content in files_of(stolen) if is_text(content)}
    assert {name.split("/")[0] for name in plain} <= PLAIN, plain
    readable = {path: READABLE_RUN.findall(content)[:3] for path, content in files_of(stolen)
                if path.split("/")[0] not in PLAIN and READABLE_RUN.search(content)}
    assert not readable, readable


def test_a_stolen_directory_yields_nothing_but_sizes(tmp_path):
    key = tmp_path / "elsewhere.key"
    with BulkheadServer(init_arguments=["--root-key", str(key), "--project", PROJECT], extra_arguments=["--root-key", str(key)]) as server:
        write(server, 'schema = 1\n[[project.1.rule]]\nproperty = "polecat"\naction = "drop"\n' + VENDOR)
        wait_for_metric(server, "bulkhead_policy_version 1")
        wait_for_metric(server, "bulkhead_vendors 1")  # egress looks twice a second
        subprocess.run([binary(), "vendor", "credential", str(server.data), "acme"], input=CREDENTIAL, text=True, check=True, capture_output=True)
        needles = {**fill(server), **import_by_command(server, tmp_path), **send_needles(server), CREDENTIAL: "vendor's credential"}
        server.wait_until_queryable(120)
        running = server.copy_data(tmp_path / "running")
        server.stop()
        stolen = server.copy_data(tmp_path / "stopped")
        refused = subprocess.run([binary(), "keys", "status", str(stolen)], capture_output=True, text=True, check=False)
        assert refused.returncode != 0 and "--root-key" in refused.stderr
    check_copy(running, needles, tmp_path)
    check_copy(stolen, needles, tmp_path)
    (stolen / "store" / "canary").write_bytes(b"\xff\x01" + b"so much for the secrecy of stores" + b"\xff")
    with pytest.raises(AssertionError, match="canary"):
        check_copy(stolen, needles, tmp_path)


def is_text(content):
    return len(content) > 0 and all(9 <= byte < 127 for byte in content)
