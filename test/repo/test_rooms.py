"""The rooms of src/ and their levels (docs/architecture.md): a room includes only rooms of lower levels, never a sibling."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEVELS = {
    "base": 0, "channel": 1, "crypto": 1, "model": 1,
    "wire": 2, "sieve": 2, "log": 2, "store": 2, "vault": 2, "audit": 2,
    "intake": 3, "query": 3, "egress": 3, "access": 3,
    "incident": 4, "http": 5, "main": 6,
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

# A library that only one room may know, so that what touches it can be reviewed at one place.
ONLY_INCLUDER = {
    "sodium": {"crypto"},
    "openssl/evp": {"crypto"}, "openssl/hmac": {"crypto"}, "openssl/sha": {"crypto"},
    "boost/asio": {"egress", "http", "main"}, "boost/beast": {"egress", "http", "main"},
    "maxminddb": {"sieve"}, "hs/hs": {"sieve"}, "re2/": {"sieve"},
    "sqlite3": {"vault", "access"},
    "hpdf": {"incident"},
    "CLI/": {"main"}, "spdlog/": {"main"},
}


def sources():
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix in (".h", ".cc"):
            yield path, path.relative_to(ROOT / "src").parts[0]


def test_every_folder_is_a_room():
    rooms = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    assert not rooms - set(LEVELS), f"src/ has folders that are no rooms: {sorted(rooms - set(LEVELS))}"


def test_rooms_include_lower_rooms_only():
    wrong = []
    for path, room in sources():
        for quote, target in INCLUDE.findall(path.read_text()):
            if quote != '"':
                continue
            other = target.split("/")[0]
            place = path.relative_to(ROOT)
            if "/" not in target or other not in LEVELS:
                wrong.append(f'{place}: "{target}" is not written as "room/file.h"')
            elif other != room and LEVELS[other] >= LEVELS[room]:
                wrong.append(f'{place}: {room} (level {LEVELS[room]}) includes {target} (level {LEVELS[other]})')
            elif not (ROOT / "src" / target).exists():
                wrong.append(f"{place}: {target} does not exist")
    assert not wrong, "\n".join(wrong)


def test_libraries_stay_in_their_rooms():
    wrong = []
    for path, room in sources():
        for quote, target in INCLUDE.findall(path.read_text()):
            for library, rooms in ONLY_INCLUDER.items():
                if quote == "<" and not path.stem.endswith("_test") and target.startswith(library) and room not in rooms:
                    wrong.append(f"{path.relative_to(ROOT)}: <{target}> belongs to {sorted(rooms)}")
    assert not wrong, "\n".join(wrong)
