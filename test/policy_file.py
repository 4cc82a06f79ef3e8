"""Writes the policy of a running server and waits for what it does."""

import time


def write(server, text, name="policy.toml"):
    folder = server.data / "policy"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o644)


def metrics(server):
    return server.request("GET", "/metrics")[2].decode()


def wait_for_metric(server, line, seconds=15):
    deadline = time.time() + seconds
    while line not in metrics(server).splitlines():
        assert time.time() < deadline, metrics(server)
        time.sleep(0.1)
