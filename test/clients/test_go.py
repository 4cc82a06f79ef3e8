"""Go `mixpanel-go`."""

import json
import shutil

import pytest
from client_run import HERE, assert_nowhere, environment, people_in, profile_with, run, total


def test_go_mixpanel(server, tmp_path):
    if not shutil.which("go"):
        pytest.fail("go is not installed: ./dev deps")
    program = tmp_path / "client"
    environ = environment(server)
    run(["go", "build", "-buildvcs=false", "-mod=readonly", "-o", str(program), "."], environ, folder=HERE / "go")
    printed = run([str(program)], environ)
    server.wait_until_queryable()

    assert json.loads(printed)["exported"] == 500
    assert total(server, "Signed Up") == 2
    assert people_in(server, "Docs Read", "Signed Up") == [1, 1]
    assert server.count("Go Import", "2026-01-15", "2026-01-15") == 500  # sent twice, plain and gzip
    assert server.count("Go Import", "2026-01-15", "2026-01-15", math="unique") == 50
    assert server.count("Go Import", "2026-01-15", "2026-01-15", where='properties["even"] == true') == 250
    person = profile_with(server, "plan", "pro")
    assert person["logins"] == 5 and sorted(person["tags"]) == ["a", "b"] and "first" not in person
    assert_nowhere(server, "go.person@corp-mail.com", "go-user", "go-device")
