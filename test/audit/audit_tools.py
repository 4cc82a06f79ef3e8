"""Makes audit logs, and checks them with both verifiers: Bulkhead's and the Go one (golang.org/x/mod/sumdb)."""

import os
import pathlib
import shutil
import subprocess

import pytest
from bulkhead_server import binary

HERE = pathlib.Path(__file__).resolve().parent


def make_log(folder, entries, subjects=None):
    arguments = [str(pathlib.Path(binary()).parent / "make_log"), str(folder), str(entries)]
    subprocess.run(arguments + ([] if subjects is None else [str(subjects)]), check=True)
    return pathlib.Path(folder)


def build_go_verifier(folder):
    if not shutil.which("go"):
        pytest.fail("go is not installed: ./dev deps")
    program = pathlib.Path(folder) / "verify"
    environ = {**os.environ, "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-buildvcs=false", "-o", str(program), "."], cwd=HERE / "go", check=True, env=environ)
    return program


def ours(log, *arguments, key=None):
    """(succeeded, output) of `bulkhead audit verify`."""
    done = subprocess.run([binary(), "audit", "verify", str(log), "--key", str(key or log / "audit.pub"), *map(str, arguments)],
                          capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def theirs(program, log, *arguments, key=None):
    done = subprocess.run([str(program), "-log", str(log), "-key", str(key or log / "audit.pub"), *map(str, arguments)],
                          capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr
