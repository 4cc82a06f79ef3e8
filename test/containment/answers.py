"""Everything that the server can be made to say, written into files: exports, profiles, names, values, breakdowns, metrics,
dumps of what is on disk, and its answers to requests that are wrong on purpose."""

import json
import pathlib
import shutil
import subprocess
import urllib.parse

from bulkhead_server import binary


class Collector:
    def __init__(self, server, folder, from_date, to_date):
        self.server, self.folder = server, pathlib.Path(folder)
        self.range = {"from_date": from_date, "to_date": to_date}
        self.folder.mkdir(parents=True, exist_ok=True)
        self.count = 0

    def keep(self, name, body):
        self.count += 1
        (self.folder / f"{self.count:05d}-{name}").write_bytes(body)

    def get(self, label, target, must=True, **parameters):
        query = urllib.parse.urlencode({"project_id": self.server.project, **parameters})
        status, headers, body = self.server.request("GET", f"{target}?{query}", authorized=True)
        assert status == 200 or not must, f"{target}: {status} {body[:300]!r}"
        self.keep(label, repr(headers).encode() + b"\n" + body)
        return body if status == 200 else b"null"

    def everything(self):
        self.keep("export", b"\n".join(json.dumps(e).encode() for e in self.server.export(**self.range)))
        self.keep("profiles", json.dumps(self.server.profiles()).encode())
        for target in ("/metrics", "/healthz", "/api/v1/sieve", "/api/v1/stats"):
            self.get(target.strip("/").replace("/", "-"), target, must=False)
        names = json.loads(self.get("names", "/api/query/events/names", type="general", limit=5000))
        for event in names[:60]:
            self.properties_of(event)
        self.breakdowns()
        return self

    def properties_of(self, event):
        top = json.loads(self.get("properties", "/api/query/events/properties/top", event=event, limit=500))
        for name in list(top)[:60]:
            self.get("values", "/api/query/events/properties/values", event=event, name=name, limit=5000)

    def breakdowns(self):
        for name in ("note", "message", "$current_url", "$referrer", "utm_source", "company", "blob", "$city", "mp_lib", "tags"):
            report = {"report": "insights", "from": self.range["from_date"], "to": self.range["to_date"], "unit": "month",
                      "metrics": [{"event": "Mixed", "math": "total"}], "breakdown": [name]}
            self.keep("breakdown", json.dumps(self.server.query(report)).encode())

    def wrong_requests(self, values):
        """Answers to broken requests must not repeat what they held."""
        server = self.server
        for value in values:
            quoted = urllib.parse.quote(value, safe="")
            tries = [
                ("POST", "/track", f'{{"event": "{value}'.encode(), {"Content-Type": "application/json"}),
                ("POST", "/track?verbose=1", f"data={quoted}".encode(), {"Content-Type": "application/x-www-form-urlencoded"}),
                ("GET", f"/track?verbose=1&data={quoted}", None, {}),
                ("GET", f"/no/such/path/{quoted}?token={quoted}", None, {}),
                ("GET", f"/track?redirect={quoted}&callback={quoted}", None, {}),
                ("POST", f"/import?strict=1&project_id={server.project}", json.dumps(
                    [{"event": "Bad", "properties": {"time": value, "distinct_id": value, "note": value}}]).encode(),
                 {"Content-Type": "application/json", "Authorization": server.basic}),
                ("POST", "/api/v1/query", json.dumps({"project_id": server.project, "report": value, "where": value}).encode(),
                 {"Content-Type": "application/json", "Authorization": server.basic}),
                ("POST", f"/api/query/engage?project_id={server.project}", f"where={quoted}".encode(),
                 {"Content-Type": "application/x-www-form-urlencoded", "Authorization": server.basic}),
            ]
            for method, target, body, headers in tries:
                agent = {"User-Agent": f"agent {value}".replace("\n", " "), "Referer": f"https://r.example.com/?q={quoted}"}
                status, answer_headers, answer = server.request(method, target, body, {**agent, **headers})
                assert status < 500, f"{method} {target[:40]}: {status}"
                self.keep("wrong", f"{status} {answer_headers}\n".encode() + answer)

    def dumps(self):
        """`bulkhead dump` of the log and of the store's files; answers how many segments it could read."""
        log = subprocess.run([binary(), "dump", "log", str(self.server.data / "log")], capture_output=True, check=True, timeout=600)
        self.keep("dump-log", log.stdout + log.stderr)
        segments = 0
        for path in sorted((self.server.data / "store").rglob("*")):
            if not path.is_file():
                continue
            done = subprocess.run([binary(), "dump", "segment", str(path)], capture_output=True, check=False, timeout=600)
            self.keep("dump-segment", done.stdout + done.stderr)  # files of other kinds are refused by it
            segments += done.returncode == 0
        return segments


def copy_without_vault(data, target):
    """What a thief of everything but the vault holds. Keys stay in: they must not betray anything either."""
    shutil.copytree(data, target, ignore=lambda folder, names: ["vault"] if pathlib.Path(folder) == pathlib.Path(data) else [],
                    copy_function=shutil.copyfile)
