"""Looks for needles in files: as they are, in UTF-16, in base64 at any alignment, in hexadecimal, percent-escaped and JSON-escaped."""

import base64
import json
import os
import subprocess
import urllib.parse


def forms(text):
    """Every byte string by which `text` would betray itself."""
    raw = text.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    found.add(urllib.parse.quote(text, safe="").encode())
    found.add("".join(f"%{b:02X}" for b in raw).encode())
    found.add("".join(f"%{b:02x}" for b in raw).encode())
    found.add(json.dumps(text)[1:-1].encode())
    found.add(text.encode("utf-16-le")[:-1])  # in either byte order
    found.add("".join(f"\\u{ord(c):04x}" for c in text).encode())
    for alignment in range(3):
        # Of the three alignments, the digits that depend on no neighbour.
        coded = base64.b64encode(b"\0" * alignment + raw)
        coded = coded[(0, 2, 3)[alignment]:]
        loose = (len(raw) + alignment) % 3
        coded = coded if loose == 0 else coded[:-4] + coded[-4:][:loose]
        if len(coded) >= 8:
            found.add(coded)
            found.add(coded.replace(b"+", b"-").replace(b"/", b"_"))
    return {form for form in found if len(form) >= 7}


def search(needles, folder, scratch):
    """needles: {core: what it is}. Answers [(file, what it is, form)] over every file under `folder`, each once."""
    owner = {}
    for needle, what in needles.items():
        for form in forms(needle):
            owner[form] = what
    patterns = os.path.join(scratch, "patterns")
    with open(patterns, "wb") as sink:
        sink.write(b"\n".join(sorted(owner)) + b"\n")
    command = ["grep", "-r", "-a", "-o", "-F", "-f", patterns, "--", str(folder)]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    assert done.returncode in (0, 1), done.stderr.decode(errors="replace")[:2000]
    lines = {line.partition(b":")[::2] for line in done.stdout.splitlines()}
    return [(os.path.relpath(path.decode(), folder), owner.get(form, "?"), form.decode(errors="replace"))
            for path, form in sorted(lines)]
