"""What `vault erase` leaves of a person: nothing in the log, the store or the vault, whether the server runs or not."""

import shutil
import subprocess
import time

import pytest
from bulkhead_server import binary

KEPT, SEALED = "kept-needle-7f3a91", "sealed-needle-55c1@corp-mail.com"


def files_with(server, text):
    return [str(path.relative_to(server.data)) for path in server.data.rglob("*")
            if path.is_file() and text.encode() in path.read_bytes()]


def log_files(server):
    return {path.name for path in (server.data / "log").glob("*.log")}


def erase(server, identity):
    return subprocess.run([binary(), "vault", "erase", str(server.data), "--id", identity, "--purpose", "erasure request", "--reference", "request 17"],
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("running", [True, False])
def test_an_erased_person_is_in_no_file(server, running):
    now = int(time.time())
    events = [{"event": "Opened", "properties": {"time": now - i, "distinct_id": person, "$insert_id": f"{person}-{i}",
                                                  "plan": KEPT if person == "gone" else "pro", "note": SEALED if person == "gone" else "x"}}
              for i in range(50) for person in ("gone", "stays")]
    status, _, answer = server.post_json(f"/import?strict=1&project_id={server.project}", events, authorized=True)
    assert status == 200, answer
    server.wait_until_queryable()
    # Log and store are encrypted, so that their bytes show nothing: the log's files go, the store no longer tells. That its segments
    # hold nothing once decrypted, src/store/store_removal_test.cc shows.
    days = [time.strftime("%Y-%m-%d", time.gmtime(at)) for at in (now - 86400, now)]
    assert any(KEPT in str(event) for event in server.export(*days))
    logs = log_files(server)
    assert logs
    if not running:
        server.stop()
    done = erase(server, "gone")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not logs & log_files(server)
    assert files_with(server, KEPT) == []
    assert files_with(server, SEALED) == []
    if not running:
        server.start()
    report = {"report": "insights", "from": days[0], "to": days[1], "metrics": [{"event": "Opened", "math": "unique"}]}
    assert sum(v or 0 for v in server.query(report)["series"][0]["values"]) in (1, 2)  # one person, on one day or two
    server.stop()
    server.start()
    events = server.export(*days)
    assert len(events) == 50 and KEPT not in str(events)


def reveal(server, identity):
    done = subprocess.run([binary(), "vault", "reveal", str(server.data), "--id", identity, "--purpose", "support request"],
                          capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def wait_for(condition, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def test_an_erasure_holds_after_an_old_backup_is_restored(server, tmp_path):
    now = int(time.time())
    days = [time.strftime("%Y-%m-%d", time.gmtime(at)) for at in (now - 86400, now)]
    events = [{"event": "Opened", "properties": {"time": now - 60, "distinct_id": person, "$insert_id": f"{person}-{i}",
                                                  "plan": KEPT if person == "gone" else "pro", "note": SEALED if person == "gone" else "x"}}
              for i in range(20) for person in ("gone", "stays")]
    status, _, answer = server.post_json(f"/import?strict=1&project_id={server.project}", events, authorized=True)
    assert status == 200, answer
    server.wait_until_queryable()
    server.stop()
    backup = tmp_path / "backup"
    shutil.copytree(server.data, backup)
    server.start()
    assert SEALED in reveal(server, "gone")
    done = erase(server, "gone")
    assert done.returncode == 0, done.stdout + done.stderr
    server.stop()

    # Everything is put back but the audit log, which is the record that must not go back in time.
    for part in backup.iterdir():
        if part.name == "audit":
            continue
        target = server.data / part.name
        if part.is_dir():
            shutil.rmtree(target)
            shutil.copytree(part, target)
        else:
            shutil.copy2(part, target)
    logs = log_files(server)
    server.start()
    assert wait_for(lambda: len(server.export(*days)) == 20), "the store knows the erased person again"
    assert KEPT not in str(server.export(*days))
    assert wait_for(lambda: not logs & log_files(server)), "the log that came with the backup is still there"
    assert SEALED not in reveal(server, "gone")
    server.stop()
    server.start()
    assert len(server.export(*days)) == 20
