"""NEEDLE_EVENTS (100,000; in full 1,000,000) mixed events with needles of more than forty kinds in all places: none may be found
in a file outside the vault, in what the server prints, in an answer or in an export. The store's blocks may be compressed, so
besides the files themselves the search covers the full export, every property's values, and `bulkhead dump` of every file."""

import base64
import json
import os
import time
import types
import urllib.parse

from answers import Collector, copy_without_vault
from needle_kinds import BY_FORM, by_form
from search import search
from workload import FROM, TO, Routes, Workload, recent_track_events

EVENTS = int(os.environ.get("NEEDLE_EVENTS", "100000"))
SEED = int(os.environ.get("NEEDLE_SEED", "20261124"))


def summary(hits):
    by_kind = {}
    for path, what, form in hits:
        by_kind.setdefault(what, set()).add((path, form[:80]))
    lines = [f"{what}: {len(places)} times, as {sorted(places)[0][1]!r} in {sorted(places)[0][0]}"
             for what, places in sorted(by_kind.items())]
    return f"{len(by_kind)} needles found:\n" + "\n".join(lines[:400])


def send_updates(server, workload, collector):
    by_path = {}
    for path, text in workload.updates():
        by_path.setdefault(path, []).append(text)
    for path, texts in by_path.items():
        for start in range(0, len(texts), 500):
            body = "[" + ",".join(texts[start:start + 500]) + "]"
            status, _, answer = server.request("POST", path + "?verbose=1", body.encode(), {"Content-Type": "application/json"})
            assert status == 200 and json.loads(answer)["status"] == 1, f"{path}: {status} {answer[:300]!r}"
            collector.keep("told", answer)


def send_tracked(server, workload, collector):
    for index, event in enumerate(recent_track_events(workload, 60, int(time.time()))):
        data = urllib.parse.quote(base64.b64encode(json.dumps(event).encode()).decode())
        if index % 2:
            answer = server.request("GET", f"/track/?ip=1&verbose=1&data={data}")
        else:
            answer = server.request("POST", "/track/?ip=1&verbose=1", f"data={data}".encode(), {"Content-Type": "text/plain"})
        assert answer[0] == 200 and json.loads(answer[2])["status"] == 1, answer
        collector.keep("told", answer[2])


def test_no_needle_comes_to_light(server, tmp_path):
    assert len(BY_FORM) >= 40
    workload = Workload(server, EVENTS, SEED)
    said = tmp_path / "said"
    collector = Collector(server, said, FROM, TO)
    told = Routes(server, workload.needles, SEED).send_all(workload.events())
    collector.keep("told", b"\n".join(told))
    send_updates(server, workload, collector)
    send_tracked(server, workload, collector)
    source = by_form(SEED + 1)
    wrong = []
    for _ in range(len(BY_FORM)):
        kind, value, cores = next(source)
        wrong.append(value)
        workload.needles.update({part: f"{kind} in a wrong request" for part in cores})
    collector.wrong_requests(wrong)
    server.wait_until_queryable(120)
    counted = sum(len(server.export(FROM, TO, event=json.dumps([name]))) for name in ("api_call", "page_view"))
    assert counted > EVENTS // 2, "the workload did not arrive"
    collector.everything()
    server.stop()  # writes what was in memory
    dumped = collector.dumps()
    (said / "server-output").write_text(server.output_text())
    copy_without_vault(server.data, tmp_path / "said" / "disk")

    hits = search(workload.needles, said, tmp_path)
    assert not hits, summary(hits)
    assert dumped > 0, "bulkhead dump could read no file"
    assert_search_would_find(workload, said, tmp_path)


def assert_search_would_find(workload, said, scratch):
    """The canary: the same search over the same files finds a needle that is put there, plain and wrapped."""
    needle = next(core for core, what in workload.needles.items() if what.startswith("email as"))
    planted = {
        "plain": needle.encode(),
        "base64": base64.b64encode(b"x" + needle.encode() + b"yz"),
        "percent": "".join(f"%{b:02X}" for b in needle.encode()).encode(),
        "escaped": "".join(f"\\u{ord(c):04x}" for c in needle).encode(),
    }
    for name, text in planted.items():
        (said / "disk" / f"canary-{name}").write_bytes(os.urandom(4096) + text + os.urandom(4096))
    found = {path for path, _, _ in search(workload.needles, said, scratch)}
    assert found == {f"disk/canary-{name}" for name in planted}


def test_search_finds_every_needle_that_is_sent(tmp_path):
    """The canary for all kinds and places: in the requests' own text each of them is found."""
    sender = types.SimpleNamespace(token="t", project=1, basic="")
    workload = Workload(sender, 3000, SEED)
    (tmp_path / "said").mkdir()
    texts = list(workload.events()) + [text for _, text in workload.updates()]
    (tmp_path / "said" / "requests").write_text("\n".join(texts))
    found = {what for _, what, _ in search(workload.needles, tmp_path / "said", tmp_path)}
    assert not set(workload.needles.values()) - found


def test_vault_keeps_what_was_sealed(server):
    """Sealed does not mean lost: the vault's files grow by what was sealed, and hold none of it in the clear."""
    before = server.disk_bytes("vault")
    updates = [{"$token": server.token, "$distinct_id": f"sealed-{i}", "$set": {"$email": f"sealed{i}@corp-mail.com"}}
               for i in range(500)]
    status, _, answer = server.post_json("/engage", updates)
    assert (status, answer) == (200, b"1")
    server.wait_until_queryable()
    server.stop()
    assert server.disk_bytes("vault") > before
    for path in (server.data / "vault").rglob("*"):
        if path.is_file():
            assert b"corp-mail" not in path.read_bytes(), path
