"""Every changed, cut, added or swapped byte of the log is found, by our verifier and by the Go one."""

import random
import shutil

import pytest
from audit_tools import build_go_verifier, make_log, ours, theirs

ENTRIES = 700  # two full tiles and a partial one, and a second level
RANDOM_OFFSETS = 6


@pytest.fixture(scope="module")
def verifier(tmp_path_factory):
    return build_go_verifier(tmp_path_factory.mktemp("verifier"))


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = make_log(tmp_path_factory.mktemp("logs") / "log", 690)
    return make_log(folder, ENTRIES - 690)  # an older partial tile stays


@pytest.fixture
def both(verifier):
    """Refuses or takes a log, and insists that both verifiers say the same."""
    def check(folder, key):
        us, our_words = ours(folder, key=key)
        they, their_words = theirs(verifier, folder, key=key)
        assert us == they, f"ours: {our_words}\ntheirs: {their_words}"
        return us, our_words
    return check


def log_files(log):
    return sorted(p.relative_to(log) for p in log.rglob("*") if p.is_file() and p.name not in ("lock", "audit.pub", "subjects"))


def offsets_of(path, generator):
    size = path.stat().st_size
    return sorted({0, 1, 2, size // 2, size - 1, *(generator.randrange(size) for _ in range(RANDOM_OFFSETS))} & set(range(size)))


def test_the_log_itself_verifies(log, both):
    assert both(log, log / "audit.pub") == (True, both(log, log / "audit.pub")[1])
    kinds = {str(path) for path in log_files(log)}
    assert {"checkpoint", "tile/entries/000", "tile/entries/002.p/188", "tile/entries/002.p/178", "tile/0/001",
            "tile/0/002.p/188", "tile/0/002.p/178", "tile/1/000.p/2"} <= kinds


def test_every_file_every_place(log, both, tmp_path):
    """A flipped bit, a byte taken out, one put in, the rest cut off: in each file, at many places."""
    generator = random.Random(4711)
    copy = shutil.copytree(log, tmp_path / "log")
    changes = 0
    for name in log_files(log):
        good = (log / name).read_bytes()
        for at in offsets_of(log / name, generator):
            bit = bytes([good[at] ^ (1 << generator.randrange(8))])
            for bad in (good[:at] + bit + good[at + 1:], good[:at] + good[at + 1:], good[:at] + b"\n" + good[at:], good[:at]):
                if bad == good:
                    continue
                (copy / name).write_bytes(bad)
                verified, words = both(copy, log / "audit.pub")
                assert not verified, f"{name} at {at}"
                assert words.strip()
                changes += 1
        (copy / name).write_bytes(good)
    assert changes > 200
    assert both(copy, log / "audit.pub")[0]


def test_missing_and_exchanged_files(log, both, tmp_path):
    needed = [n for n in log_files(log) if "178" not in n.name]  # an older partial tile may go
    for name in needed:
        copy = shutil.copytree(log, tmp_path / "log")
        (copy / name).unlink()
        assert not both(copy, log / "audit.pub")[0], name
        shutil.rmtree(copy)
    for one, other in (("tile/entries/000", "tile/entries/001"), ("tile/0/000", "tile/0/001"),
                       ("tile/entries/002.p/188", "tile/entries/000"), ("tile/1/000.p/2", "tile/0/002.p/178")):
        copy = shutil.copytree(log, tmp_path / "log")
        (copy / one).write_bytes((log / other).read_bytes())
        (copy / other).write_bytes((log / one).read_bytes())
        assert not both(copy, log / "audit.pub")[0], (one, other)
        shutil.rmtree(copy)


def test_entries_taken_out_doubled_or_swapped(log, both, tmp_path):
    """With lengths and sizes that fit."""
    name = "tile/entries/001"
    data, entries = (log / name).read_bytes(), []
    while data:
        end = 2 + int.from_bytes(data[:2], "big")
        entries.append(data[:end])
        data = data[end:]
    swapped = entries[:7] + [entries[8], entries[7]] + entries[9:]
    doubled = entries[:7] + [entries[6]] + entries[8:]
    missing = entries[:7] + entries[8:]
    for wrong in (swapped, doubled, missing, entries + entries[-1:]):
        copy = shutil.copytree(log, tmp_path / "log")
        (copy / name).write_bytes(b"".join(wrong))
        verified, words = both(copy, log / "audit.pub")
        assert not verified
        assert "tile/entries/001" in words
        shutil.rmtree(copy)


def test_the_bad_entry_is_named(log, tmp_path):
    copy = shutil.copytree(log, tmp_path / "log")
    data = (copy / "tile/entries/001").read_bytes()
    at = data.index(b'"index":300,')
    changed = data[:at] + data[at:].replace(b"engage", b"export", 1).replace(b"one person", b"two people", 1)
    (copy / "tile/entries/001").write_bytes(changed)
    verified, words = ours(copy)
    assert not verified and "entry 300 in tile/entries/001" in words
    shutil.copy(log / "tile/entries/001", copy / "tile/entries/001")
    tile = bytearray((copy / "tile/0/001").read_bytes())
    tile[32 * 44] ^= 1
    (copy / "tile/0/001").write_bytes(tile)
    verified, words = ours(copy)
    assert not verified and "tile/0/001 was changed" in words and "entry" not in words


def test_another_key_is_refused(log, both, tmp_path):
    other = tmp_path / "other.pub"
    other.write_text("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n")
    assert not both(log, other)[0]


def test_the_sets_beside_the_log(tmp_path):
    """They are encrypted: only our verifier, with the log's keys, can check them. Here: the bytes hold no subject in the clear."""
    log = make_log(tmp_path / "log", 3, subjects=5)
    for path in [log / "subjects", *log.rglob("sets/*")]:
        assert bytes(15) not in path.read_bytes()
