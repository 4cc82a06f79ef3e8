"""`bulkhead drill` in a small form: what its report says is held against the files that it leaves, and nothing else is left."""

import collections
import html
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import pytest
from bulkhead_server import binary

DOMAIN = b"@mail.brookfield.example"
ADDRESS = re.compile(rb"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+")


@pytest.fixture
def folder():
    """The path of a socket may have no more than 108 bytes, and pytest's own folders have long names."""
    with tempfile.TemporaryDirectory(prefix="drill-") as path:
        yield pathlib.Path(path)


def unspaced(text):
    return re.sub(r"\s", "", text)


def descendants(of):
    """Process ids of this run of a drill, whoever has taken them over."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            environment = (path / "environ").read_bytes()
        except OSError:
            continue
        if b"DRILL_TEST=" + of.encode() in environment.split(b"\0") and path.name != str(os.getpid()):
            found.append(int(path.name))
    return found


def start(folder, *words):
    """A drill whose throwaway directories and processes can be told from others'."""
    throwaway = folder / "throwaway"
    throwaway.mkdir()
    for parent in [throwaway, *throwaway.parents]:  # the compartments have users of their own
        if os.getuid() == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    return subprocess.Popen([binary(), "drill", "--out", str(folder / "report"), "--events", "40000", *words], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(throwaway), "DRILL_TEST": str(folder)})


def is_gone(folder):
    """No process of it is left, and nothing in its throwaway directory."""
    deadline = time.monotonic() + 30
    while descendants(str(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not descendants(str(folder)) and not list((folder / "throwaway").iterdir())


@pytest.fixture(scope="module")
def drilled():
    """(folder of the report, its numbers, seconds that it took)."""
    with tempfile.TemporaryDirectory(prefix="drill-") as path:
        folder = pathlib.Path(path)
        began = time.monotonic()
        process = start(folder, "--json")
        out, told = process.communicate(timeout=120)
        took = time.monotonic() - began
        assert process.returncode == 0, told
        assert is_gone(folder)
        report = json.loads(out)
        assert report == json.loads((folder / "report" / "drill.json").read_text())
        for step in report["steps"]:
            assert step["what"] in told
        yield folder / "report", report, took


def test_it_is_short_and_leaves_its_report_alone(drilled):
    folder, report, took = drilled
    assert took < 40 and report["total_s"] < took
    assert {path.name for path in folder.iterdir()} == {"report.html", "report.pdf", "drill.json", "policy.toml", "stolen.ndjson", "notices"}
    assert {path.name for path in folder.iterdir()} >= set(report["files"])
    again = subprocess.run([binary(), "drill", "--out", str(folder)], capture_output=True, text=True, check=False)
    assert again.returncode == 1 and "not empty" in again.stderr


def test_the_stolen_file_has_no_address_but_canaries(drilled):
    folder, report, _ = drilled
    stolen = (folder / "stolen.ndjson").read_bytes()
    addresses = set(ADDRESS.findall(stolen))
    assert addresses and all(address.endswith(DOMAIN) for address in addresses)
    assert b"customer.example" not in stolen and b"user-0" not in stolen and b"org-" not in stolen
    searches = {search["what"]: search for search in report["searches"]}
    assert searches["e-mail addresses"]["canaries"] == len(addresses) == report["mails"]
    assert searches["e-mail addresses"]["in_traffic"] > 500
    assert all(search["in_stolen"] == 0 for search in searches.values()) and len(searches) == 6


def test_the_ledger_equals_a_count_of_the_stolen_file(drilled):
    folder, report, _ = drilled
    records = [json.loads(line) for line in (folder / "stolen.ndjson").read_text().splitlines()]
    assert len(records) == report["incident"]["exposure"]["sends"] == report["stolen_events"] + report["stolen_profiles"]
    named, subjects, canaries = collections.Counter(), set(), set()
    for record in records:
        properties = record.get("properties") or record["$properties"]
        person = record.get("$distinct_id") or properties["distinct_id"]
        named.update(set(properties) - {"distinct_id", "$insert_id", "time"})
        (canaries if DOMAIN.decode() in str(properties) else subjects).add(person)
    exposure = report["incident"]["exposure"]
    assert {f["name"]: f["sends"] for f in exposure["fields"] if f["name"] not in ("event name", "time")} == dict(named)
    assert exposure["subjects"] <= len(subjects - canaries) <= exposure["subjects"] + report["canaries"]
    assert report["ledger_equal"] and not report["ledger_short"]
    everything = report["counts"][0]
    assert everything["vendor_subjects"] == exposure["subjects"] == sum(exposure["countries"].values())


def test_the_canary_named_the_vendor_and_the_server_acted(drilled):
    _, report, _ = drilled
    assert report["seen"] == report["match"]["attributed"] == {"vendor": "hosted", "epoch": 1}
    assert report["incident_opened"].startswith("canary of hosted")
    assert (report["incident"]["vendor"], report["incident"]["epoch"]) == ("hosted", 1)
    assert report["stolen_s"] <= report["mailed_s"] <= report["seen_s"] <= report["incident_s"] <= report["total_s"]
    matched, = [source for source in report["match"]["sources"] if source["epoch"] == 1]
    assert matched["matched_subjects"] == report["incident"]["exposure"]["subjects"] == report["kill"]["ids_known_before"]
    assert matched["canaries"]
    assert report["kill"]["offered_after"] > 50 and report["kill"]["received_after"] == 0 and report["kill"]["ids_known_after"] == 0
    duty, = [duty for duty in report["duties"] if duty["id"] == "gdpr-33-1"]
    assert duty["state"] == "due" and duty["due"]


def test_notices_name_no_address_as_exposed(drilled):
    folder, report, _ = drilled
    assert len(report["notices"]) == 5 and len(list((folder / "notices").iterdir())) == 10
    authority = (folder / "notices" / "authority.txt").read_text()
    assert f"concerned: {report['incident']['exposure']['subjects']}." in authority and "$email" not in authority


def test_the_html_is_complete_in_itself(drilled):
    folder, report, _ = drilled
    page = (folder / "report.html").read_text()
    assert not re.search(r"<script|<img|<link|src=|href=|url\(|https?:", page)
    assert "<svg" in page and "prefers-color-scheme: dark" in page and page.endswith("</html>\n")
    assert f"{report['incident']['exposure']['subjects']:,} subjects" in page


def test_the_pdf_says_the_same(drilled):
    folder, report, _ = drilled
    path = str(folder / "report.pdf")
    assert subprocess.run(["qpdf", "--check", path], capture_output=True, check=False).returncode == 0
    text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout
    pages = text.split("\f")[:-1]
    assert len(pages) > 2
    for number, sheet in enumerate(pages, 1):
        assert unspaced(sheet).endswith(f"{number}/{len(pages)}")
    page = html.unescape((folder / "report.html").read_text())
    for heading in re.findall(r"<h2>([^<]+)</h2>", page):
        assert unspaced(heading) in unspaced(text)
    shown = re.findall(r"\d[\d,.]*\d", re.sub(r"<[^>]+>", " ", page.split("<body>")[1]))
    assert len(shown) > 100
    for number in shown:
        assert number in unspaced(text), number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_on_the_way_leaves_nothing(folder, number):
    process = start(folder)
    process.stdout.readline()  # the stage is set
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1 and "stopped" in told
    assert is_gone(folder) and not (folder / "report").exists()


def test_its_processes_end_with_it_however_it_ends(folder):
    process = start(folder)
    process.stdout.readline()
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while descendants(str(folder)):
        assert time.monotonic() < deadline, descendants(str(folder))
        time.sleep(0.1)


def test_where_a_process_of_it_ends_it_says_so(folder):
    process = start(folder)
    process.stdout.readline()
    vendor, = [pid for pid in descendants(str(folder)) if b"drill-vendor" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(vendor, signal.SIGKILL)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 1 and "bulkhead: " in told
    assert is_gone(folder) and not (folder / "report").exists()
