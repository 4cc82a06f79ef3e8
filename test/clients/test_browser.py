"""`mixpanel-browser` in headless Chromium, on a page of another origin."""

import functools
import http.server
import json
import os
import shutil
import threading

import pytest
from client_run import HERE, assert_nowhere, days, environment, node, people_in, run, total

PAGE = """<!doctype html><title>Shop</title>
<script>window.MIXPANEL_CUSTOM_LIB_URL = "/mixpanel.js";</script>
<script src="/mixpanel.js"></script><script src="/browser_page.js"></script><p>A page with the SDK</p>"""


class Page(http.server.BaseHTTPRequestHandler):
    files = {}

    def do_GET(self):
        kind, body = self.files.get(self.path.split("?")[0], ("text/plain", None))
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


@pytest.fixture
def page_url():
    library = HERE / "node_modules" / "mixpanel-browser" / "dist" / "mixpanel.umd.js"
    Page.files = {
        "/": ("text/html; charset=utf-8", PAGE.encode()),
        "/mixpanel.js": ("text/javascript; charset=utf-8", library.read_bytes()),
        "/browser_page.js": ("text/javascript; charset=utf-8", (HERE / "browser_page.js").read_bytes()),
        "/favicon.ico": ("image/x-icon", b""),
    }
    host = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Page))
    threading.Thread(target=host.serve_forever, daemon=True).start()
    yield f"http://localhost:{host.server_address[1]}/"
    host.shutdown()


def test_browser_mixpanel(server, page_url):
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    printed = run([node(), "browser_mixpanel.js"], environment(server, PAGE_URL=page_url, CHROMIUM=chromium))
    report = json.loads(printed)
    assert report["problems"] == []
    for plan in ("xhr", "get", "beacon", "batch"):
        assert any(line.startswith(f"{plan} ") and "/flags/" in line for line in report["requests"]), f"{plan}: no flags"
    server.wait_until_queryable()

    assert total(server, "Landing") == 8
    assert total(server, "Landing", where='properties["plan_name"] == "batch"') == 2  # beacons of an unloaded page
    assert total(server, "Signed Up", math="sum", property="amount") == 50
    assert total(server, "$mp_web_page_view") == 4
    assert total(server, "Last") == 3
    emoji = [e["properties"] for e in server.export(*days(), event='["Emoji"]')]
    assert len(emoji) == 4
    for properties in emoji:
        assert properties["text"] == "well done 😀👍" and properties["half"] == "end \ufffd"
        assert properties["cut"] == "x" * 254  # the half behind it is past the limit in bytes
    assert total(server, "Emoji", where='properties["text"] == "well done 😀👍"') == 4
    assert people_in(server, "Landing", "Signed Up") == [4, 4]  # anonymous first, then identified: one person each
    profiles = [p["$properties"] for p in server.profiles() if p["$properties"].get("plan") == "pro"]
    assert len(profiles) == 4
    for person in profiles:
        assert person["visits"] == 2 and person["pages"] == ["docs"] and person["first_page"] == "docs"
        assert sorted(person["tags"]) == ["a", "b"]
    for plan in ("xhr", "get", "beacon", "batch"):
        assert_nowhere(server, f"{plan}.person@corp-mail.com", f"browser-{plan}")
