"""Arbitrary code inside each compartment (test/containment/attack_*.cc) tries to break out: every attempt must fail, the
permitted work must succeed, and without confinement the same attempts must succeed, or they would show nothing."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPARTMENTS = ("intake", "core", "vault", "audit", "egress")
FEWEST_ATTEMPTS = 100
HELD = ("refused", "killed", "ended")
AS_ROOT = os.geteuid() == 0
USERS = ["root", "user"] if AS_ROOT else ["user"]
PLAIN_USER = 61090  # nobody's number: only this test runs under it


def program():
    default = ROOT / "build" / "release" / "attack_compartment"
    path = pathlib.Path(os.environ.get("BULKHEAD_ATTACK", str(default)))
    if not path.exists():
        pytest.fail(f"{path} is not built")
    return path


def become(user):
    """The words that start a program as that user."""
    if user == "root" or not AS_ROOT:
        return []
    return ["setpriv", f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}", "--clear-groups"]


@pytest.fixture(scope="module", params=USERS)
def stage(request):
    """(user, program, directory): a copy of the program where the user can reach it, and a data directory."""
    user = request.param
    base = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-attack-"))
    place = base / "bin"
    place.mkdir()
    copy = place / "attack_compartment"
    shutil.copy(program(), copy)
    shutil.copy(program().parent / "attack_library.so", place)
    os.chmod(base, 0o755)
    if become(user):
        for path in (base, place, copy, place / "attack_library.so"):
            os.chown(path, PLAIN_USER, PLAIN_USER)
    data = base / "data"
    subprocess.run(become(user) + [str(copy), "fill", str(data)], check=True)
    yield user, copy, data
    shutil.rmtree(base, ignore_errors=True)


def play(stage, mode, compartment, *more):
    user, attacker, data = stage
    done = subprocess.run(become(user) + [str(attacker), mode, compartment, str(data), *more],
                          capture_output=True, text=True, timeout=600, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == 0 and lines, f"{mode} {compartment}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return {line["attempt"]: line for line in lines}


def shown(findings):
    return "\n".join(f"{f['compartment']}: {f['attempt']}: {f['outcome']} ({f['detail']})" for f in findings)


@pytest.mark.parametrize("compartment", COMPARTMENTS)
def test_every_attack_fails(stage, compartment):
    found = play(stage, "run", compartment)
    attacks = [f for f in found.values() if not f.get("permitted")]
    assert len(attacks) > FEWEST_ATTEMPTS
    broken = [f for f in attacks if f["outcome"] not in HELD]
    assert not broken, shown(broken)
    assert found["afterwards"]["outcome"] == "refused"
    # Not because everything fails: what the compartment is for works.
    permitted = [f for f in found.values() if f.get("permitted")]
    assert permitted
    stopped = [f for f in permitted if f["outcome"] != "succeeded"]
    assert not stopped, shown(stopped)


def held(found, *names):
    lost = [found[name] for name in names if found[name]["outcome"] not in HELD]
    assert not lost, shown(lost)


def test_on_an_older_kernel(stage):
    """Landlock's ABI 2, as Debian 12 has it: seccomp stands for what is missing, but for egress's ports, as the document says."""
    for compartment, lost in (("core", set()), ("egress", {"connect-tcp"})):
        found = play(stage, "run", compartment, "--landlock-abi", "2")
        attacks = [f for f in found.values() if not f.get("permitted")]
        assert {f["attempt"] for f in attacks if f["outcome"] not in HELD} == lost


def test_each_layer_holds_alone(stage):
    """What a layer is said to stop, it stops without the others; what it is not, it does not (so the other one is at work)."""
    found = play(stage, "run", "core", "--seccomp", "0")
    held(found, "read-others", "write-others", "root-key", "planted-link", "proc-mem", "connect-tcp", "bind", "kill-sibling")
    assert found["make-executable"]["outcome"] == found["fork"]["outcome"] == "succeeded"
    found = play(stage, "run", "core", "--landlock-abi", "0")
    held(found, "exec", "fork", "connect-tcp", "make-executable", "kill-sibling", "io-uring", "hard-link")
    as_root = stage[0] == "root"
    assert (found["read-others"]["outcome"] in HELD) == as_root  # users of their own close the directories
    subprocess.run(become(stage[0]) + [str(stage[1]), "fill", str(stage[2])], check=True)


def test_the_document_lists_the_attempts():
    listed = subprocess.run([str(program()), "list"], capture_output=True, text=True, check=True).stdout.splitlines()
    text = (ROOT / "docs" / "confinement.md").read_text()
    names = [line.split("\t")[0] for line in listed]
    attacks = [name for name in names if not name.startswith("may-")]
    assert len(attacks) > FEWEST_ATTEMPTS
    missing = [name for name in attacks if f"| `{name}` |" not in text]
    assert not missing, missing


def test_the_attacks_work_without_confinement(stage):
    """The canary. One compartment for those that all share, another for those of a listener."""
    user = stage[0]
    found = play(stage, "control", "core")
    must = {"root": ("succeeds", "needs root"), "user": ("succeeds",)}[user]
    failed = [f for f in found.values() if f.get("control") in must and f["outcome"] != "succeeded"]
    assert not failed, shown(failed)
    assert sum(f["outcome"] == "succeeded" for f in found.values()) > 60
    subprocess.run(become(user) + [str(stage[1]), "fill", str(stage[2])], check=True)
