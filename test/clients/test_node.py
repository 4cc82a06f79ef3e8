"""Node `mixpanel`: over TLS, because it sends service accounts over nothing else."""

from client_run import assert_nowhere, environment, node, people_in, profile_with, run, total


def test_node_mixpanel(tls_server, certificates):
    server = tls_server
    run([node(), "node_mixpanel.js"], environment(server, certificates))
    server.wait_until_queryable()

    assert total(server, "Checked") == 2
    assert total(server, "Signed Up") == 2
    assert total(server, "Signed Up", where='properties["plan"] == "pro"') == 1
    assert total(server, "Batched") == 120
    assert people_in(server, "Batched") == [40]
    assert people_in(server, "Page Viewed", "Signed Up") == [1, 1]  # the device's event belongs to the user now
    assert server.count("Old Event", "2026-01-15", "2026-01-15") == 1  # sent twice with one $insert_id
    assert server.count("Old Batch", "2026-01-15", "2026-01-15") == 130
    assert server.count("Old Batch", "2026-01-15", "2026-01-15", math="unique") == 10

    person = profile_with(server, "plan", "pro")
    assert person["logins"] == 5 and person["pages"] == ["docs"] and sorted(person["tags"]) == ["a", "b", "c"]
    assert person["$transactions"][0]["$amount"] == 9.5 and "first_seen" not in person
    assert not [p for p in server.profiles() if p["$properties"].get("plan") == "x"]  # deleted
    exported = server.export("2026-01-15", "2026-01-15")
    assert len({e["properties"]["distinct_id"] for e in exported if e["event"] == "Old Batch"}) == 10
    assert_nowhere(server, "node.person@corp-mail.com", "ann.lee@corp-mail.com", "Nora Node", "node-user", "node-device")
