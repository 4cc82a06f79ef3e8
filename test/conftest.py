import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

MARKERS = {
    "clients": "unmodified Mixpanel clients against the real server",
    "containment": "planted personal data and secrets must not come to light anywhere",
    "egress": "what vendors are sent, held against what receives it",
    "crash": "kill -9 under load",
    "compat": "answers of Mixpanel's paths, byte for byte where clients compare bytes",
    "repo": "rules of the repository",
}


def pytest_configure(config):
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collection_modifyitems(config, items):
    """A test's marker is the folder that it lies in."""
    for item in items:
        folder = pathlib.Path(item.fspath).parent.name
        if folder in MARKERS:
            item.add_marker(getattr(pytest.mark, folder))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    from bulkhead_server import make_certificates
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def server():
    from bulkhead_server import BulkheadServer
    with BulkheadServer() as running:
        yield running


@pytest.fixture
def tls_server(certificates):
    from bulkhead_server import BulkheadServer
    with BulkheadServer(tls=certificates[1:]) as running:
        yield running
