"""What a breach at a vendor takes to answer through the running processes: events come in over HTTP, go to a vendor, its copy leaks,
and the commands of `bulkhead incident` are timed as an operator types them.

    incident_whole.py [--events N] [--users N]

Makes the events of ./dev bench (build/bench/). The vendor is of type "files", so that its copy is there to be matched.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "test")]

from bulkhead_server import BulkheadServer, binary  # noqa: E402
from run import PROGRAMS, make_events  # noqa: E402

POLICY = """schema = 1
[vendor.acme]
type = "files"
project = 1
sends_per_second = 1000000
queue_mb = 16384
canaries = 100
[[vendor.acme.event]]
name = "*"
plain = ["plan", "status", "mp_country_code"]
token = ["path"]
coarse = ["latency_ms"]
"""


def vendor(server):
    told = subprocess.run([binary(), "vendor", "list", str(server.data), "--json"], capture_output=True, text=True, check=True)
    return json.loads(told.stdout)[0]


def wait_until_sent(server):
    """Until nothing has been sent for three seconds."""
    last, still = -1, 0
    while still < 3:
        time.sleep(1)
        now = vendor(server)
        still = still + 1 if now["sent"] == last and not now["waiting"] else 0
        last = now["sent"]
    return last


def timed(what, server, *words):
    began = time.perf_counter()
    told = subprocess.run([binary(), "incident", words[0], str(server.data), *map(str, words[1:])], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if told.returncode != 0:
        raise RuntimeError(told.stderr)
    print(f"{what:28} {seconds:7.2f} s", flush=True)
    return told.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--users", type=int, default=1_000_000)
    chosen = parser.parse_args()
    folder = HERE.parent / "build" / "bench"
    make_events(folder, chosen.events, chosen.users)
    here = folder / "incident"
    shutil.rmtree(here, ignore_errors=True)
    (here / "server").mkdir(parents=True)
    with BulkheadServer(here / "server") as server:
        (server.data / "policy" / "policy.toml").write_text(POLICY)
        time.sleep(5)
        began = time.perf_counter()
        subprocess.run([str(PROGRAMS / "http_load"), f"127.0.0.1:{server.port}", str(folder / "bodies.ndjson"),
                        f"/import?strict=1&project_id={server.project}", f"{server.username}:{server.secret}", "8"], check=True)
        print(f"imported after {time.perf_counter() - began:.0f} s", flush=True)
        sent = wait_until_sent(server)
        print(f"{sent:,} messages sent, {time.perf_counter() - began:.0f} s after the begin", flush=True)
        leaked = here / "leaked.ndjson"
        with open(leaked, "wb") as out:
            for path in sorted((server.data / "egress" / "vendors" / "acme" / "files").iterdir()):
                with open(path, "rb") as part:
                    shutil.copyfileobj(part, out)
        print(f"leaked: {os.path.getsize(leaked) / 1e9:.2f} GB", flush=True)
        today = time.strftime("%Y-%m-%d", time.gmtime())
        opened = json.loads(timed("open: exposure, countries", server, "open", "--vendor", "acme", "--from", today, "--to", today, "--json"))
        print(f"{opened['exposure']['subjects']:,} subjects, {opened['exposure']['sends']:,} sends", flush=True)
        incident = opened["id"]
        timed("facts", server, "facts", incident, "--set", f"received={today}", "--source", "a bench", "--role", "controller",
              "--established", "DE", "--risk", "high")
        timed("deadlines", server, "deadlines", incident)
        timed("drafts of notices", server, "notices", incident, "--out", here / "drafts")
        timed("list of subjects by risk", server, "subjects", incident, "--out", here / "subjects")
        print(timed("match of the leaked file", server, "match", leaked), flush=True)
        told = server.rss_bytes(peak=True)
        print(f"all processes at their highest: {told / 1e6:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
