"""Identities in bulk: asked for by command, given after the time lock to who asked, sealed to a key; a veto holds for good."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

from bulkhead_server import binary

PURPOSE = ("--purpose", "legal obligation")


def export(server, name, *arguments):
    return subprocess.run([binary(), "vault", "export", name, str(server.data), *map(str, arguments)],
                          capture_output=True, text=True, check=False)


def done(server, name, *arguments):
    result = export(server, name, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def refused(server, name, *arguments):
    result = export(server, name, *arguments)
    assert result.returncode == 1, result.stdout
    return result.stderr


def new_key(file):
    result = subprocess.run([binary(), "vault", "export", "new-key", str(file)], capture_output=True, text=True, check=True)
    assert file.stat().st_mode & 0o777 == 0o600
    return result.stdout.strip()


def ask(server, recipient):
    return re.match(r"\S+", done(server, "ask", *PURPOSE, "--recipient", recipient)).group()


def fill(server, persons):
    now = int(time.time())
    events = [{"event": "Seen", "properties": {"time": now - 60, "distinct_id": f"p{i}", "$insert_id": f"i{i}", "$email": f"p{i}@corp-mail.com"}}
              for i in range(persons)]
    status, _, answer = server.post_json(f"/import?strict=1&project_id={server.project}", events, authorized=True)
    assert status == 200, answer
    server.wait_until_queryable()


def let_time_pass(server, hours):
    """As if the exports had been asked for so long ago."""
    server.stop()
    subprocess.run([Path(binary()).parent / "age_exports", str(server.data), str(hours)], check=True)
    server.start()


def test_an_export_waits_and_then_goes_to_its_recipient_alone(server, tmp_path):
    fill(server, 300)  # more than any account may reveal in a day
    public = new_key(tmp_path / "key")
    out = tmp_path / "out"
    bulk = ask(server, public)
    collect = (*PURPOSE, "--key", tmp_path / "key", "--out", out)
    assert "time has not come" in refused(server, "collect", "--export", bulk, *collect)
    assert re.search(rf"^{bulk}  waiting, due .* UTC, asked for by \S+: legal obligation$", done(server, "list"), re.M)
    let_time_pass(server, 23)
    assert "time has not come" in refused(server, "collect", "--export", bulk, *collect)
    let_time_pass(server, 1)
    new_key(tmp_path / "other")
    assert "not for this key" in refused(server, "collect", "--export", bulk, *PURPOSE, "--key", tmp_path / "other", "--out", out)
    assert not list(tmp_path.glob("out*"))  # no half of an export either
    (tmp_path / "out.part").write_text("left by one that was killed")
    assert "300 subjects" in done(server, "collect", "--export", bulk, *collect)
    whole = out.read_bytes()
    assert "is there already" in refused(server, "collect", "--export", bulk, *collect)
    assert out.read_bytes() == whole and not (tmp_path / "out.part").exists()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {f"p{i}@corp-mail.com" for i in range(300)} <= {line["value"] for line in lines}
    assert out.stat().st_mode & 0o077 == 0


def test_a_veto_holds_also_where_the_vaults_files_are_older(server, tmp_path):
    fill(server, 3)
    bulk = ask(server, new_key(tmp_path / "key"))
    let_time_pass(server, 24)
    server.stop()
    shutil.copytree(server.data / "vault", tmp_path / "vault")
    server.start()
    assert "vetoed by" in done(server, "veto", "--export", bulk)
    server.stop()
    shutil.rmtree(server.data / "vault")
    shutil.copytree(tmp_path / "vault", server.data / "vault")
    server.start()
    collect = ("--export", bulk, *PURPOSE, "--key", tmp_path / "key", "--out", tmp_path / "out")
    assert "was vetoed" in refused(server, "collect", *collect)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_asked_for_is_said(server, tmp_path):
    assert "64 hexadecimal digits" in refused(server, "ask", *PURPOSE, "--recipient", "abc")
    assert "purpose is not one of the list" in refused(server, "ask", "--purpose", "curiosity", "--recipient", new_key(tmp_path / "key"))
    assert refused(server, "veto", "--export", "nonsense")
