"""What is left in memory after a full run: of intake, core, audit, egress and the supervisor, nothing of what was sent, and none of
the vault's keys."""

import json
import mmap
import os
import pathlib
import subprocess
import time
import urllib.parse

import pytest
from bulkhead_server import ROOT, binary
from needle_kinds import BY_FORM, core
from process_memory import dump
from search import search
from test_needles import send_tracked, send_updates, summary
from workload import FROM, TO, Routes, Workload

EVENTS = int(os.environ.get("MEMORY_EVENTS", "20000"))
SEED = 20261129
VAULT_SECRETS = ROOT / "build" / "release" / "vault_secrets"


class Told:
    def keep(self, *_):
        """Answers are another test's matter."""


def can_read_memory(server):
    try:
        with open(f"/proc/{server.compartments()['intake']}/mem", "rb"):
            return True
    except OSError:
        return False


def ask_by_raw_ids(server, workload):
    """Questions that name people as an SDK knows them."""
    for user in workload.users[:40]:
        quoted = urllib.parse.quote(json.dumps([user]))
        target = f"/api/query/stream/query?project_id={server.project}&from_date={FROM}&to_date={TO}&distinct_ids={quoted}"
        status, _, body = server.request("GET", target, authorized=True)
        assert status == 200, body
        form = urllib.parse.urlencode({"distinct_id": user}).encode()
        status, _, body = server.request("POST", f"/api/query/engage?project_id={server.project}", form,
                                         {"Content-Type": "application/x-www-form-urlencoded"}, authorized=True)
        assert status == 200, body


def command_vault(server, *words):
    done = subprocess.run([binary(), "vault", words[0], server.data, *words[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def look_up_identities(server, workload):
    """The operator's commands, whose ids and answers pass through the supervisor."""
    for number, user in enumerate(workload.users[40:50]):
        secret = core(workload.random)
        workload.needles[secret] = "address that was looked up"
        address = f"{secret}@corp-mail.com"
        status, _, _ = server.post_json("/engage", [{"$token": server.token, "$distinct_id": user, "$set": {"$email": address}}])
        assert status == 200
        server.wait_until_queryable(120)
        assert command_vault(server, "find", "--email", address, "--purpose", "support request").strip()
        assert secret in command_vault(server, "reveal", "--id", user, "--purpose", "support request")
        if number % 2:
            command_vault(server, "erase", "--id", user, "--purpose", "erasure request")


def run_everything(server):
    workload = Workload(server, EVENTS, SEED)
    workload.needles.update({server.secret: "service account's secret", server.basic.split()[1]: "service account's header"})
    routes = Routes(server, workload.needles, SEED)
    routes.send_all(workload.events())
    send_updates(server, workload, Told())
    send_tracked(server, workload, Told())
    server.wait_until_queryable(120)
    ask_by_raw_ids(server, workload)
    look_up_identities(server, workload)
    return workload


def dump_all_but_the_vault(server, folder):
    folder.mkdir()
    processes = {**server.compartments(), "supervisor": server.process.pid}
    del processes["vault"]
    assert len(processes) == 5
    for name, pid in processes.items():
        assert dump(pid, folder / name) > 100_000, name


def find_keys(server, folder):
    """(process, which key) of the vault's keys that a dump holds."""
    shown = subprocess.run([VAULT_SECRETS, server.data], capture_output=True, text=True, check=True)
    keys = [bytes.fromhex(line) for line in shown.stdout.split()]
    assert len(keys) >= 3 and all(len(key) == 32 for key in keys)
    found = []
    for path in folder.iterdir():
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
            found += [(path.name, number) for number, key in enumerate(keys) if memory.find(key) >= 0]
    return found


def check(server, tmp_path):
    if not can_read_memory(server):
        pytest.skip("this user may not read the memory of the compartments")
    workload = run_everything(server)
    assert len(BY_FORM) >= 40 and len(workload.needles) > 1000
    time.sleep(1)
    dumps = tmp_path / "memory"
    dump_all_but_the_vault(server, dumps)
    hits = search(workload.needles, dumps, tmp_path)
    assert not hits, summary(hits)
    # The supervisor hands the vault its keys at every start of it, from the root key that it holds.
    assert not find_keys(server, dumps)
    # The same search finds what is there: the vault has just been asked for these ids.
    needle = next(iter(workload.needles))
    (dumps / "canary").write_bytes(os.urandom(5000) + needle.encode() + os.urandom(5000))
    assert {path for path, _, _ in search(workload.needles, dumps, tmp_path)} == {"canary"}


def test_memory_holds_nothing_of_what_was_sent(server, tmp_path):
    check(server, tmp_path)


def test_nor_after_a_run_over_tls(tls_server, tmp_path):
    check(tls_server, tmp_path)


def test_the_vault_has_its_keys(server, tmp_path):
    """Else the search for them would show nothing."""
    if not can_read_memory(server):
        pytest.skip("this user may not read the memory of the compartments")
    folder = pathlib.Path(tmp_path / "memory")
    folder.mkdir()
    dump(server.compartments()["vault"], folder / "vault")
    assert find_keys(server, folder)
