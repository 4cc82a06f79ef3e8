"""Reads an audit log's files as docs/formats/audit.md draws them."""

import datetime
import json
import pathlib
import subprocess

from bulkhead_server import binary

LENGTH_BYTES = 2


def entries_of(log):
    """The entries that the newest checkpoint commits to, as bytes."""
    log = pathlib.Path(log)
    size = int((log / "checkpoint").read_text().split("\n")[1])
    entries = []
    for bundle in range((size + 255) // 256):
        name = f"{bundle:03d}" if bundle < 1000 else f"x{bundle // 1000:03d}/{bundle % 1000:03d}"
        width = min(256, size - 256 * bundle)
        data = (log / "tile" / "entries" / (name if width == 256 else f"{name}.p/{width}")).read_bytes()
        for _ in range(width):
            end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "big")
            entries.append(data[LENGTH_BYTES:end])
            data = data[end:]
    return entries


def audit_entries(server):
    return [json.loads(entry) for entry in entries_of(server.data / "audit")]


def subjects_of(server, entry):
    """Whom this entry says its actor was shown, by `bulkhead audit seen`; sorted pseudonyms."""
    moment = datetime.datetime.fromisoformat(entry["ts"].replace("Z", "+00:00"))
    ms = round(moment.timestamp() * 1000)
    done = subprocess.run([binary(), "audit", "seen", str(server.data), "--actor", entry["actor"], "--from", str(ms), "--to", str(ms + 1)],
                          capture_output=True, text=True, check=True)
    return done.stdout.split()
