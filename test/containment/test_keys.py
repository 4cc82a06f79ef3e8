"""The keys as an operator handles them: where the root key lies, new keys, shares, what is refused."""

import json
import os
import re
import shutil
import subprocess
import time

import pytest

from audit_log import entries_of
from bulkhead_server import binary


def run(*arguments, descriptors=(), **options):
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, check=False, pass_fds=descriptors,
                          **options)


def done(*arguments, **options):
    result = run(*arguments, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def refused(*arguments, **options):
    result = run(*arguments, **options)
    assert result.returncode == 1, result.stdout
    return result.stderr


@pytest.fixture
def data(tmp_path):
    for folder in [tmp_path, *tmp_path.parents]:  # the compartments have users of their own
        if os.getuid() == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    done("init", tmp_path / "data", "--json")
    return tmp_path / "data"


def numbers(status):
    """{purpose: [(number, state), ...]} of `keys status`."""
    found = {}
    for purpose, number, state in re.findall(r"^([\w-]+) +(\d+)  (newest|old)", status, re.M):
        found.setdefault(purpose, []).append((int(number), state))
    return found


def given(text):
    """A descriptor from which `text` can be read."""
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    return read


def test_a_trials_root_key_is_said_to_lie_with_the_data(data):
    assert (data / "keys" / "root.key").exists()
    assert "INSIDE the data directory" in done("keys", "status", data)


def test_the_root_key_lies_elsewhere_or_comes_from_a_descriptor(tmp_path):
    apart = tmp_path / "apart.key"
    first, second = tmp_path / "first", tmp_path / "second"
    done("init", first, "--root-key", apart)
    assert not (first / "keys" / "root.key").exists()
    assert apart.stat().st_mode & 0o777 == 0o600
    assert "apart from the data" in done("keys", "status", first, "--root-key", apart)
    assert "give --root-key" in refused("keys", "status", first)

    descriptor = given(apart.read_text())
    done("init", second, "--root-key-fd", descriptor, descriptors=[descriptor])
    assert not (second / "keys" / "root.key").exists()
    descriptor = given(apart.read_text())
    done("keys", "status", second, "--root-key-fd", descriptor, descriptors=[descriptor])

    credentials = tmp_path / "credentials"
    credentials.mkdir()
    shutil.copy(apart, credentials / "bulkhead-root-key")
    status = done("keys", "status", second, env={**os.environ, "CREDENTIALS_DIRECTORY": str(credentials)})
    assert "systemd credential" in status

    apart.chmod(0o640)
    assert "can be read by other users" in refused("keys", "status", first, "--root-key", apart)


def test_a_new_key_stands_beside_the_old_one_until_that_is_retired(data):
    assert numbers(done("keys", "status", data))["store"] == [(1, "newest")]
    done("keys", "rotate", data, "store")
    assert numbers(done("keys", "status", data))["store"] == [(1, "old"), (2, "newest")]
    done("keys", "retire", data, "store")  # nothing was written under it
    assert numbers(done("keys", "status", data))["store"] == [(2, "newest")]
    done("keys", "rotate", data, "subject-wrap")
    assert "nobody can tell" in refused("keys", "retire", data, "subject-wrap")
    done("keys", "retire", data, "subject-wrap", "--force")


def test_changes_that_lose_something_are_not_made_by_the_way(data):
    before = (data / "keys" / "keyring").read_bytes()
    assert "another token" in refused("keys", "rotate", data, "token")
    assert "two people" in refused("keys", "rotate", data, "pseudonym", "--yes")
    assert "there is no key" in refused("keys", "rotate", data, "nonsense")
    assert (data / "keys" / "keyring").read_bytes() == before
    done("keys", "rotate", data, "token", "--yes")
    assert numbers(done("keys", "status", data))["token"] == [(2, "newest")]


def test_an_old_root_key_opens_nothing_afterwards(data, tmp_path):
    old = tmp_path / "old.key"
    shutil.copy(data / "keys" / "root.key", old)
    done("keys", "rotate", data, "root")
    done("keys", "status", data)
    assert "another root key" in refused("keys", "status", data, "--root-key", old)


def test_a_root_key_from_outside_is_changed_in_two_steps(data, tmp_path):
    new = tmp_path / "new.key"
    done("keys", "rotate", data, "root", "--new-root-key", new)
    assert "not finished" in done("keys", "status", data)
    done("keys", "status", data, "--root-key", new)
    assert "is being changed" in refused("keys", "rotate", data, "store")
    assert "give the new one" in refused("keys", "retire", data, "root")
    done("keys", "retire", data, "root", "--root-key", new)
    assert "another root key" in refused("keys", "status", data)


def test_two_of_three_shares_open_the_vaults_keys(data, tmp_path):
    shares = re.findall(r"^bulkhead-share-\S+$", done("keys", "split", data), re.M)
    assert len(shares) == 3
    files = []
    for number, share in enumerate(shares):
        files.append(tmp_path / f"share{number}")
        files[-1].write_text(share + "\n")
        files[-1].chmod(0o600)
    assert "subject-wrap" not in numbers(done("keys", "status", data))
    assert "two of three" in refused("vault", "find", data, "--email", "a@example.com", "--purpose", "support request")
    for first, second in ((0, 1), (0, 2), (1, 2)):
        both = ["--vault-share", files[first], "--vault-share", files[second]]
        assert "subject-wrap" in numbers(done("keys", "status", data, *both))
    for one in files:
        assert "1 given" in refused("keys", "rotate", data, "subject-wrap", "--vault-share", one)
    files[1].write_text(shares[1][:-1] + ("0" if shares[1][-1] != "0" else "1"))
    wrong = refused("keys", "status", data, "--vault-share", files[0], "--vault-share", files[1])
    assert "vault share 2 is mistyped" in wrong
    done("keys", "join", data, "--vault-share", files[0], "--vault-share", files[2])
    assert "subject-wrap" in numbers(done("keys", "status", data))


def test_a_stolen_key_file_holds_nothing_readable(data):
    bytes_ = (data / "keys" / "keyring").read_bytes()
    assert bytes_[:8] == b"BHKEYS\x02\x01"
    root = bytes.fromhex((data / "keys" / "root.key").read_text().split()[1])
    assert root not in bytes_
    account = json.loads(done("init", data.parent / "other", "--json"))
    assert account["token"].encode() not in bytes_


def test_a_running_server_writes_down_that_keys_were_changed(server):
    done("keys", "rotate", server.data, "store")
    entries = [path.read_bytes() for path in (server.data / "audit" / "tile" / "entries").rglob("*") if path.is_file()]
    assert any(b'"action":"keys.change"' in entry and b"store" in entry for entry in entries)
    server.wait_until_queryable()


def test_a_running_server_knows_when_an_old_key_of_the_vault_is_needed_no_more(server):
    server.post_json("/engage", [{"$token": server.token, "$distinct_id": f"u{n}", "$set": {"$email": f"u{n}@mail-corp.com"}} for n in range(50)])
    server.wait_until_queryable()
    done("keys", "rotate", server.data, "subject-wrap")
    deadline = time.time() + 60
    while (retired := run("keys", "retire", server.data, "subject-wrap")).returncode != 0:
        assert "try again" in retired.stderr or "needs" in retired.stderr, retired
        assert time.time() < deadline, retired
        time.sleep(0.5)
    assert "destroyed" in retired.stdout
    server.wait_until_queryable()
    shown = done("vault", "reveal", server.data, "--id", "u7", "--purpose", "support request")
    assert "u7@mail-corp.com" in shown


def test_a_change_while_no_server_runs_is_written_down_too(data, tmp_path):
    scopes = []
    for words, scope in ((["rotate", data, "store"], "rotate store"), (["split", data, "--shares", "3", "--need", "2"], "split"),
                         (["rotate", data, "root"], "rotate root")):
        done("keys", *words)
        scopes.append(scope)
        entries = [json.loads(entry) for entry in entries_of(data / "audit")]
        assert [entry["scope"] for entry in entries if entry["action"] == "keys.change"] == scopes
    assert "3 entries" in done("audit", "verify", data)


def test_commands_are_not_fooled_by_what_a_killed_server_left(server):
    while not (server.data / "server.address").exists():  # written just after the server is there
        time.sleep(0.05)
    server.kill()
    assert done("vault", "find", server.data, "--email", "nobody@corp-mail.com", "--purpose", "support request") == ""
