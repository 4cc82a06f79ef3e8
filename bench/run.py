"""./dev bench: the same events through Bulkhead, DuckDB, ClickHouse's server and chdb, in one run on one machine.

    run.py [--events N] [--users N] [--repeat 5] [--no-write]

Makes the events once (build/bench/), loads every engine, checks that all give the same answers, measures warm answers
(median of --repeat), and writes the table to docs/benchmarks.md and README.md. One engine runs at a time; the others' servers
are down. All get two threads.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "test")]

import peers  # noqa: E402
import table  # noqa: E402
from bulkhead_server import BulkheadServer  # noqa: E402
from questions import questions  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("BENCH_PROGRAMS", ROOT / "build" / "release"))


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


def make_events(folder, events, users):
    done = folder / "made.json"
    wanted = {"events": events, "users": users, "program": (HERE / "make_events.cc").read_text()}
    if done.exists() and json.loads(done.read_text()) == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    say(f"making {events:,} events of {users:,} users")
    subprocess.run([str(PROGRAMS / "make_events"), str(folder), str(events), str(users)], check=True, stdout=subprocess.DEVNULL)
    done.write_text(json.dumps(wanted))


class Bulkhead:
    name = "bulkhead"

    def __init__(self, folder, bodies):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.server = BulkheadServer(folder)
        self.server.start()
        time.sleep(2)
        self.idle_rss = self.server.rss_bytes()
        target = f"/import?strict=1&project_id={self.server.project}"
        loader = subprocess.Popen(
            [str(PROGRAMS / "http_load"), f"127.0.0.1:{self.server.port}", str(bodies), target,
             f"{self.server.username}:{self.server.secret}", "8"], stdout=subprocess.PIPE, text=True)
        printed = loader.stdout.readline()  # while it still gives its memory back
        self.server.wait_until_queryable(600)
        queryable = time.time()
        if loader.wait() != 0:
            raise RuntimeError("http_load failed")
        self.load = json.loads(printed)
        self.load["visible_s"] = max(0.0, queryable - self.load["ended_unix_s"])
        self.loading_rss = self.server.rss_bytes(peak=True)
        self._settle()
        self.sizes = {name: self.server.disk_bytes(name) for name in ("store", "log", "vault")}
        began = time.perf_counter()
        self.server.stop()
        self.stop_s = time.perf_counter() - began
        began = time.perf_counter()
        self.server.start()
        self.restart_s = time.perf_counter() - began
        time.sleep(1)
        self.started_rss = self.server.rss_bytes()

    def _settle(self):
        """Until background merges have stopped changing what is on disk, at most two minutes."""
        last, still = -1, 0
        for _ in range(120):
            size = self.server.disk_bytes("store")
            still = still + 1 if size == last else 0
            last = size
            if still >= 8:
                return
            time.sleep(1)

    def query(self, report):
        body = {"project_id": self.server.project, **report}
        began = time.perf_counter()
        status, _, answer = self.server.post_json("/api/v1/query", body, authorized=True)
        seconds = time.perf_counter() - began
        if status != 200:
            raise RuntimeError(f"bulkhead: {status} {answer[:500]!r}")
        return seconds, json.loads(answer)

    def stop(self):
        self.server.stop()


def measure(engine, repeat):
    """name -> {"seconds", "rows", "variant"}; a question that the engine cannot answer is left out, with a note."""
    results = {}
    for name, question in questions().items():
        variants = [question["bulkhead"]] if engine.name == "bulkhead" else question[engine.name]
        to_rows = question["bulkhead_rows" if engine.name == "bulkhead" else
                           "duckdb_rows" if engine.name == "duckdb" else "clickhouse_rows"]
        best = None
        for index, variant in enumerate(variants):
            try:
                engine.query(variant)  # warms
                seconds, answer = engine.query(variant)
                rows = to_rows(answer)
            except (RuntimeError, KeyError, IndexError, TypeError, ValueError) as error:
                say(f"{engine.name} {name} variant {index}: {error!r}"[:600])
                continue
            if best is None or seconds < best["seconds"]:
                best = {"seconds": seconds, "rows": rows, "variant": index}
        if best:
            times = [engine.query(variants[best["variant"]])[0] for _ in range(repeat)]
            best["seconds"], best["times"] = statistics.median(times), times
            results[name] = best
            say(f"{engine.name:10s} {name:10s} {best['seconds'] * 1000:9.1f} ms")
    return results


def run_bulkhead(folder, data, repeat):
    say("bulkhead: import over HTTP")
    engine = Bulkhead(folder / "bulkhead", data / "bodies.ndjson")
    results = measure(engine, repeat)
    facts = {"load": engine.load, "sizes": engine.sizes, "idle_rss": engine.idle_rss, "loading_rss": engine.loading_rss,
             "started_rss": engine.started_rss, "rss": engine.server.rss_bytes(), "restart_s": engine.restart_s,
             "peak_rss": peers.rss_bytes(engine.server.process.pid, peak=True), "stop_s": engine.stop_s,
             "disk": engine.sizes["store"]}
    engine.stop()
    shutil.rmtree(folder / "bulkhead", ignore_errors=True)
    return results, facts


def run_peer(name, folder, data, repeat):
    say(f"{name}: loading")
    csv = data / "events.csv"
    engine = peers.ClickHouseServer(folder / name, csv) if name == "clickhouse" else peers.Worker(name, folder / name, csv)
    results = measure(engine, repeat)
    facts = {"disk": engine.disk_bytes(), "rss": engine.rss_bytes(), "load_s": engine.load_s, "version": engine.version()}
    engine.stop()
    shutil.rmtree(folder / name, ignore_errors=True)
    return results, facts


def compare(all_results):
    """Engines whose answer is not the majority's, per question."""
    differences = []
    for name in questions():
        answers = {engine: results[name]["rows"] for engine, (results, _) in all_results.items() if name in results}
        values = list(answers.values())
        usual = max(values, key=values.count) if values else None
        for engine, rows in answers.items():
            if rows != usual:
                differences.append(f"{name}: {engine} answers otherwise: {first_difference(rows, usual)}")
    return differences


def first_difference(rows, usual):
    if isinstance(rows, dict):
        keys = [k for k in sorted(set(rows) | set(usual), key=str) if rows.get(k) != usual.get(k)]
        return f"{len(keys)} cells, first {keys[0]}: {rows.get(keys[0])} for {usual.get(keys[0])}"
    places = [i for i in range(max(len(rows), len(usual))) if rows[i:i + 1] != usual[i:i + 1]]
    return f"{len(places)} places, first {places[0]}: {rows[places[0]:places[0] + 1]} for {usual[places[0]:places[0] + 1]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--users", type=int, default=0, help="one per 50 events unless given")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--engines", default="bulkhead,duckdb,clickhouse,chdb")
    parser.add_argument("--no-write", action="store_true", help="print the table, leave the documents alone")
    options = parser.parse_args()
    folder = ROOT / "build" / "bench"
    data = folder / f"events-{options.events}"
    make_events(data, options.events, options.users or max(1, options.events // 50))
    all_results = {}
    for name in options.engines.split(","):
        if name == "bulkhead":
            all_results[name] = run_bulkhead(folder, data, options.repeat)
        else:
            all_results[name] = run_peer(name, folder, data, options.repeat)
    differences = compare(all_results)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {datetime.date.today()}"
    text = table.render(all_results, questions(), options.events, machine, differences)
    print(text)
    (folder / "last.json").write_text(json.dumps(
        {name: {"facts": facts, "seconds": {q: r["times"] for q, r in results.items()}}
         for name, (results, facts) in all_results.items()}, indent=1))
    if not options.no_write:
        table.write(ROOT, text)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
