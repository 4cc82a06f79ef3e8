"""`mixpanel-import`: IMPORT_EVENTS (100,000) events over pipelined TLS connections, then the same file again, and an export.

Its host names are fixed, so the run preloads local_mixpanel_hosts.js, which stands for a DNS entry; TLS is real, with an
authority of the test's own in NODE_EXTRA_CA_CERTS. The package itself is as npm delivers it."""

import json
import os

from client_run import HERE, environment, node, run

COUNT = int(os.environ.get("IMPORT_EVENTS", "100000"))
DAY = 1768478400  # 15 January 2026, 12:00 UTC


def write_events(path):
    with open(path, "w", encoding="utf-8") as sink:
        for i in range(COUNT):
            properties = {"distinct_id": f"imp-{i % 1000}", "time": DAY + i % 3600, "$insert_id": f"imp-{i}",
                          "index": i, "plan": ("free", "pro", "team")[i % 3], "amount": i % 7}
            sink.write(json.dumps({"event": f"Imported {i % 4}", "properties": properties}) + "\n")


def run_import(server, certificates, folder, *arguments):
    environ = environment(server, certificates, NODE_OPTIONS=f"--require={HERE / 'local_mixpanel_hosts.js'}")
    command = [node(), str(HERE / "node_modules" / "mixpanel-import" / "index.js"), *arguments,
               "--project", str(server.project), "--acct", server.username, "--pass", server.secret,
               "--token", server.token, "--no-logs", "--no-verbose", "--abridged", "--workers", "10"]
    return run(command, environ, timeout_s=600, folder=folder)


def test_mixpanel_import(tls_server, certificates, tmp_path):
    server = tls_server
    write_events(tmp_path / "events.ndjson")
    run_import(server, certificates, tmp_path, "events.ndjson", "--type", "event", "--format", "jsonl")
    server.wait_until_queryable()

    def count(event, **more):
        return server.count(event, "2026-01-15", "2026-01-15", **more)

    def check():
        for kind in range(4):
            assert count(f"Imported {kind}") == len(range(kind, COUNT, 4))
        assert count("Imported 0", math="unique") == min(250, COUNT)
        assert count("Imported 1", math="sum", property="amount") == sum(i % 7 for i in range(1, COUNT, 4))
        assert count("Imported 2", where='properties["plan"] == "pro"') == sum(i % 3 == 1 for i in range(2, COUNT, 4))

    check()
    run_import(server, certificates, tmp_path, "events.ndjson", "--type", "event", "--format", "jsonl", "--compress")
    server.wait_until_queryable()
    check()  # every one was a duplicate

    profiles = tmp_path / "profiles.ndjson"
    profiles.write_text("".join(
        json.dumps({"$distinct_id": f"imp-{i}", "rank": i, "$email": f"imp{i}@corp-mail.com"}) + "\n" for i in range(3000)))
    run_import(server, certificates, tmp_path, "profiles.ndjson", "--type", "user", "--format", "jsonl", "--fix")
    server.wait_until_queryable()
    found = server.profiles()
    assert len(found) == 3000 and "corp-mail" not in repr(found)
