"""Makes audit logs, and checks them with both verifiers: Bulkhead's and the Go one (golang.org/x/mod/sumdb)."""

import os
import pathlib
import shutil
import subprocess

import pytest
from bulkhead_server import ROOT, binary

HERE = pathlib.Path(__file__).resolve().parent
ENTRY_HEADER = 2


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


def entries_of(log):
    """The entries that the newest checkpoint commits to, as bytes, read as the format page says."""
    log = pathlib.Path(log)
    size = int((log / "checkpoint").read_text().split("\n")[1])
    entries = []
    for bundle in range((size + 255) // 256):
        digits = f"{bundle:03d}" if bundle < 1000 else f"x{bundle // 1000:03d}/{bundle % 1000:03d}"
        width = min(256, size - 256 * bundle)
        data = (log / "tile" / "entries" / (digits if width == 256 else f"{digits}.p/{width}")).read_bytes()
        for _ in range(width):
            end = ENTRY_HEADER + int.from_bytes(data[:ENTRY_HEADER], "big")
            entries.append(data[ENTRY_HEADER:end])
            data = data[end:]
    return entries


__all__ = ["ROOT", "binary", "build_go_verifier", "entries_of", "make_log", "ours", "theirs"]
