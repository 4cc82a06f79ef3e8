"""DuckDB, ClickHouse's server and chdb, each given the same CSV, two threads, and its own good layout.

Each runs in a process of its own, so that memory is its own. Times are taken at the caller, answers included."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

THREADS = 2
COLUMNS = ("user", "time", "event", "insert_id", "plan", "country", "browser", "path", "status", "latency_ms", "endpoint_id", "amount")


def rss_bytes(pid, peak=False):
    field = "VmHWM:" if peak else "VmRSS:"
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def folder_bytes(folder):
    return sum(f.stat().st_size for f in pathlib.Path(folder).rglob("*") if f.is_file() and not f.is_symlink())


def clickhouse_table(low_cardinality):
    text = "LowCardinality(String)" if low_cardinality else "String"
    null_text = "LowCardinality(Nullable(String))" if low_cardinality else "Nullable(String)"
    return (f"CREATE TABLE events (user UInt32, time DateTime('UTC'), event {text}, insert_id UInt64, plan {text}, country {text}, "
            f"browser {text}, path {null_text}, status Nullable(UInt16), latency_ms Nullable(UInt32), endpoint_id Nullable(String), "
            "amount Nullable(UInt32)) ENGINE = MergeTree() PARTITION BY tuple() ORDER BY (user, time)")


class Worker:
    """An in-process engine in a child process; talks JSON lines."""

    def __init__(self, name, folder, csv):
        shutil.rmtree(folder, ignore_errors=True)
        pathlib.Path(folder).mkdir(parents=True)
        self.name, self.folder = name, folder
        self.process = subprocess.Popen(
            [sys.executable, __file__, name, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.load_s = self._ask({"load": str(csv)})["seconds"]

    def _ask(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}")
        return answer

    def query(self, sql):
        answer = self._ask({"sql": sql})
        return answer["seconds"], answer["rows"]

    def disk_bytes(self):
        if self.name == "chdb":  # merged parts stay on disk for a while
            _, rows = self.query("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'events'")
            return int(rows[0][0])
        return folder_bytes(self.folder)

    def rss_bytes(self):
        return rss_bytes(self.process.pid)

    def version(self):
        return self._ask({"version": True})["version"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)


def serve_duckdb(folder):
    import duckdb
    database = duckdb.connect(os.path.join(folder, "events.duckdb"), config={"threads": THREADS})

    def load(csv):
        names = ", ".join(f"'{c}': '{t}'" for c, t in zip(COLUMNS, (
            "INTEGER", "INTEGER", "VARCHAR", "UBIGINT", "VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR", "USMALLINT", "UINTEGER",
            "VARCHAR", "UINTEGER")))
        source = f"read_csv('{csv}', header=false, delim=',', quote='', nullstr='\\N', columns={{{names}}})"
        enums = {"event": 3, "plan": 5, "country": 6, "browser": 7}
        for name in enums:
            database.execute(f"CREATE TYPE {name}_name AS ENUM (SELECT DISTINCT {name} FROM {source})")
        columns = ", ".join(f"{c}::{c}_name AS {c}" if c in enums else c for c in COLUMNS)
        database.execute("SET preserve_insertion_order = true")
        database.execute(f"CREATE TABLE events AS SELECT {columns} FROM {source} ORDER BY user, time")
        database.execute("CHECKPOINT")

    return load, lambda sql: [list(row) for row in database.execute(sql).fetchall()], lambda: duckdb.__version__


def serve_chdb(folder):
    from chdb import session
    import chdb
    database = session.Session(folder)
    database.query(f"SET max_threads = {THREADS}")

    def load(csv):
        database.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
        database.query("USE bench")
        database.query(clickhouse_table(True).replace("CREATE TABLE events", "CREATE TABLE bench.events"))
        structure = ("user UInt32, time UInt32, event String, insert_id UInt64, plan String, country String, browser String, "
                     "path Nullable(String), status Nullable(UInt16), latency_ms Nullable(UInt32), endpoint_id Nullable(String), "
                     "amount Nullable(UInt32)")
        database.query(f"INSERT INTO bench.events SELECT * FROM file('{csv}', 'CSV', '{structure}') SETTINGS max_threads = {THREADS}, max_insert_threads = {THREADS}")
        database.query("OPTIMIZE TABLE bench.events FINAL")

    def query(sql):
        text = str(database.query(sql.replace(" FROM events", " FROM bench.events"), "TabSeparated"))
        return [line.split("\t") for line in text.splitlines() if line]

    return load, query, lambda: chdb.__version__


def serve(name, folder):
    load, query, version = {"duckdb": serve_duckdb, "chdb": serve_chdb}[name](folder)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    for line in sys.stdin:
        message = json.loads(line)
        began = time.perf_counter()
        try:
            if "load" in message:
                load(message["load"])
                answer = {}
            elif "version" in message:
                answer = {"version": version()}
            else:
                answer = {"rows": query(message["sql"])}
            answer["seconds"] = time.perf_counter() - began
        except Exception as error:  # noqa: BLE001: whatever the engine says goes to the caller
            answer = {"error": str(error)[:2000]}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


class ClickHouseServer:
    """Debian's clickhouse-server on loopback, with its own directory and configuration."""

    name = "clickhouse"

    def __init__(self, folder, csv):
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.port, tcp, interserver = (self._free_port() for _ in range(3))
        self._write_configuration(tcp, interserver)
        binary = shutil.which("clickhouse-server") or "/usr/sbin/clickhouse-server"
        with open(self.folder / "server.out", "wb") as sink:
            self.process = subprocess.Popen([binary, f"--config-file={self.folder}/config.xml"], cwd=self.folder,
                                            stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self._wait()
        began = time.perf_counter()
        self._load(csv)
        self.load_s = time.perf_counter() - began

    @staticmethod
    def _free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def _write_configuration(self, tcp, interserver):
        (self.folder / "config.xml").write_text(f"""<yandex>
<logger><level>warning</level><log>{self.folder}/log</log><errorlog>{self.folder}/errors</errorlog></logger>
<listen_host>127.0.0.1</listen_host><http_port>{self.port}</http_port><tcp_port>{tcp}</tcp_port>
<interserver_http_port>{interserver}</interserver_http_port>
<path>{self.folder}/data/</path><tmp_path>{self.folder}/tmp/</tmp_path><user_files_path>{self.folder}/files/</user_files_path>
<users_config>{self.folder}/users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database><timezone>UTC</timezone>
<mark_cache_size>5368709120</mark_cache_size><uncompressed_cache_size>8589934592</uncompressed_cache_size>
</yandex>""")
        (self.folder / "users.xml").write_text(f"""<yandex>
<profiles><default><max_threads>{THREADS}</max_threads><max_memory_usage>12000000000</max_memory_usage>
<use_uncompressed_cache>0</use_uncompressed_cache></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
<quota>default</quota></default></users><quotas><default></default></quotas></yandex>""")

    def _post(self, query, body=b"", timeout=3600, **settings):
        parameters = urllib.parse.urlencode({**settings, **({"query": query} if body else {})})
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/?{parameters}", data=body or query.encode())
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"clickhouse: {error.read().decode()[:1000]}") from None

    def _wait(self):
        for _ in range(600):
            try:
                self._post("SELECT 1", timeout=5)
                return
            except (OSError, RuntimeError):
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError("clickhouse-server did not start: " + (self.folder / "server.out").read_text()[-2000:])

    def _load(self, csv):
        try:
            self._post(clickhouse_table(True), allow_experimental_low_cardinality_type=1)
        except RuntimeError:
            self._post(clickhouse_table(False))
        with open(csv, "rb") as source:
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.port}/?" + urllib.parse.urlencode({"query": "INSERT INTO events FORMAT CSV"}),
                data=source, headers={"Content-Length": str(os.path.getsize(csv))})
            try:
                urllib.request.urlopen(request, timeout=3600).read()
            except urllib.error.HTTPError as error:
                raise RuntimeError(f"clickhouse: {error.read().decode()[:1000]}") from None
        self._post("OPTIMIZE TABLE events FINAL")

    def query(self, sql):
        began = time.perf_counter()
        text = self._post(sql)
        return time.perf_counter() - began, [line.split("\t") for line in text.splitlines() if line]

    def disk_bytes(self):
        return int(self._post("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'events'"))

    def rss_bytes(self):
        return rss_bytes(self.process.pid)

    def version(self):
        return self._post("SELECT version()").strip()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
