"""Answers of the ingestion paths, byte for byte where clients compare bytes (mixpanel-contract 1.1 to 1.6)."""

import base64
import gzip
import json
import pathlib
import resource
import time
import urllib.parse

import pytest
from bulkhead_server import BulkheadServer
from raw_http import RawConnection

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server():
    with BulkheadServer() as running:
        yield running


def event(server, name, **properties):
    return {"event": name, "properties": {"token": server.token, "distinct_id": "u1", **properties}}


def b64(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


def seen(server, name):
    """All events of that name, whatever their time."""
    server.wait_until_queryable()
    today = time.strftime("%Y-%m-%d", time.gmtime())
    return server.export("2026-01-01", max(today, "2026-01-31"), event=json.dumps([name]))


@pytest.mark.parametrize("path", ["/track", "/track/", "/engage", "/engage/", "/groups", "/groups/"])
def test_plain_answer_is_the_single_digit(server, path):
    update = {"$token": server.token, "$distinct_id": "u1", "$group_key": "company", "$group_id": "acme", "$set": {"a": 1}}
    body = event(server, "Plain") if path.startswith("/track") else update
    for send in ((f"data={urllib.parse.quote(b64(body))}", FORM), (json.dumps(body), JSON), (json.dumps([body]), JSON),
                 ("data=" + urllib.parse.quote(json.dumps(body)), FORM), ("data=" + b64(body), FORM),
                 ("data=" + urllib.parse.quote(b64(body)), {"Content-Type": "text/plain;charset=UTF-8"})):
        status, headers, answer = server.request("POST", path, send[0].encode(), send[1])
        assert (status, answer) == (200, b"1"), send
    status, headers, answer = server.request("GET", f"{path}?data={urllib.parse.quote(b64(body))}")
    assert (status, answer) == (200, b"1")
    status, headers, answer = server.request("GET", f"{path}?verbose=1&data={urllib.parse.quote(b64(body))}")
    assert status == 200 and json.loads(answer) == {"status": 1, "error": None}


@pytest.mark.parametrize("data", ["", "data=", "data=%%%", "data=bm90IGpzb24=", "data=W10=", "nonsense"])
def test_nothing_valid_is_zero(server, data):
    status, _, answer = server.request("POST", "/track", data.encode(), FORM)
    assert (status, answer) in ((200, b"0"), (400, b"0")) or (status == 200 and answer == b"1" and data == "data=W10=")
    status, _, answer = server.request("POST", "/track?verbose=1", data.encode(), FORM)
    if data != "data=W10=":
        told = json.loads(answer)
        assert told["status"] == 0 and told["error"]


def test_base64_traps(server):
    # Spaces where a form decoder ate a plus, no padding, the url-safe alphabet: "~~~???>>>" gives all the hard digits.
    for number, change in enumerate((lambda s: s.replace("+", " "), lambda s: s.rstrip("="),
                                     lambda s: s.replace("+", "-").replace("/", "_"),
                                     lambda s: s.replace("+", "-").replace("/", "_").rstrip("="))):
        coded = change(b64(event(server, "Base64", text="~~~???>>>ÿþ" + "x" * number, n=number)))
        status, _, answer = server.request("POST", "/track", b"data=" + coded.encode(), FORM)
        assert (status, answer) == (200, b"1")
    found = {e["properties"]["n"]: e["properties"]["text"] for e in seen(server, "Base64")}
    assert found == {n: "~~~???>>>ÿþ" + "x" * n for n in range(4)}


def test_verbose_and_ip_in_the_form_body(server):
    body = urllib.parse.urlencode({"data": json.dumps(event(server, "Form")), "verbose": 1, "ip": 0})
    status, _, answer = server.request("POST", "/track", body.encode(), FORM)
    assert json.loads(answer) == {"status": 1, "error": None}


def test_gzip_of_json_and_of_a_form(server):
    for body, kind in ((json.dumps([event(server, "Zipped")]), JSON), ("data=" + urllib.parse.quote(b64(event(server, "Zipped"))), FORM)):
        status, _, answer = server.request("POST", "/track?ip=1", gzip.compress(body.encode()), {**kind, "Content-Encoding": "gzip"})
        assert (status, answer) == (200, b"1")
    status, _, answer = server.request("POST", "/track", json.dumps(event(server, "Zipped")).encode(), {**JSON, "Content-Encoding": ""})
    assert (status, answer) == (200, b"1")
    assert len(seen(server, "Zipped")) == 3


def test_img_callback_redirect(server):
    data = urllib.parse.quote(b64(event(server, "Pixel")))
    status, headers, answer = server.request("GET", f"/track?img=1&data={data}")
    assert status == 200 and headers["Content-Type"] == "image/gif" and answer[:6] in (b"GIF89a", b"GIF87a")
    status, headers, answer = server.request("GET", f"/track?callback=cb_1&data={data}")
    assert status == 200 and headers["Content-Type"].startswith("text/javascript") and answer == b"cb_1(1);"
    status, headers, answer = server.request("GET", f"/track?callback=alert(1)%3B&data={data}")
    assert b"alert" not in answer
    status, _, answer = server.request("GET", f"/track?callback=mixpanel._jsc%5B17%5D&data={data}")  # as the browser SDK spells it
    assert (status, answer) == (200, b"mixpanel._jsc[17](1);")
    status, _, answer = server.request("GET", f"/track?callback=(function()%7B%7D)&data={data}")
    assert (status, answer) == (200, b"(function(){})(1);")
    stored = len(seen(server, "Pixel"))
    connection = RawConnection(server.port)
    for target in ("https%3A%2F%2Fevil.example.com%2F", "%2F%2Fevil.example.com", "%2F%5Cevil.example.com", "javascript%3A1"):
        connection.request("GET", f"/track?redirect={target}&data={data}")
        status, headers, _ = connection.answer()
        assert status == 200 and "location" not in headers
    connection.close()
    assert len(seen(server, "Pixel")) == stored + 4  # not followed, but not lost either


def test_cors(server):
    connection = RawConnection(server.port)
    origin = "https://shop.example.com"
    connection.request("POST", "/track/?verbose=1", [f"Origin: {origin}", "Content-Type: application/x-www-form-urlencoded"],
                       f"data={urllib.parse.quote(b64(event(server, 'Cors')))}".encode())
    status, headers, _ = connection.answer()
    assert status == 200 and headers["access-control-allow-origin"] == origin
    assert headers["access-control-allow-credentials"] == "true" and "origin" in headers.get("vary", "").lower()
    connection.request("OPTIONS", "/flags/?token=x", [
        f"Origin: {origin}", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization,traceparent"])
    status, headers, _ = connection.answer()
    allowed = headers["access-control-allow-headers"].lower()
    assert status in (200, 204) and headers["access-control-allow-origin"] == origin
    assert "authorization" in allowed and "traceparent" in allowed and "GET" in headers["access-control-allow-methods"]
    connection.request("GET", f"/api/query/events/names?project_id={server.project}",
                       [f"Origin: {origin}", f"Authorization: {server.basic}"])
    _, headers, _ = connection.answer()
    assert headers.get("access-control-allow-origin") != origin  # answers are not for other sites' scripts
    connection.close()


def test_import_json_answers(server):
    target = f"/import?strict=1&project_id={server.project}"
    good = [event(server, "Imported", time=1768478400 + i, **{"$insert_id": f"i{i}"}) for i in range(3)]
    status, _, answer = server.post_json(target, good, authorized=True)
    assert status == 200 and json.loads(answer) == {"code": 200, "num_records_imported": 3, "status": "OK"}
    status, _, answer = server.request("POST", target, "\n".join(json.dumps(e) for e in good).encode(),
                                       {"Content-Type": "application/x-ndjson"}, authorized=True)
    assert status == 200 and json.loads(answer)["num_records_imported"] == 3
    assert len(seen(server, "Imported")) == 3


def test_import_partial_acceptance(server):
    bad = [event(server, "Partly", time=1768478400, **{"$insert_id": "p-good"}),
           event(server, "Partly", time=5, **{"$insert_id": "p-old"}),
           event(server, "Partly", time=int(time.time()) + 7200, **{"$insert_id": "p-future"}),
           event(server, "Partly", time=1768478400, **{"$insert_id": "not valid!"}),
           {"event": "Partly", "properties": {"time": 1768478400, "$insert_id": "p-nobody", "token": server.token}},
           event(server, "Partly", time="yesterday", **{"$insert_id": "p-text"}),
           "no object"]
    status, _, answer = server.post_json(f"/import?strict=1&project_id={server.project}", bad, authorized=True)
    told = json.loads(answer)
    assert status == 400 and told["code"] == 400 and told["status"] == "Bad Request" and told["num_records_imported"] == 1
    assert told["error"] == "some data points in the request failed validation"
    failed = {record["index"]: record for record in told["failed_records"]}
    assert sorted(failed) == [1, 2, 3, 4, 5, 6]
    assert failed[1]["$insert_id"] == failed[1]["insert_id"] == "p-old" and failed[1]["field"] == "properties.time"
    assert all(record["message"] for record in failed.values())
    assert len(seen(server, "Partly")) == 1


def test_import_credentials(server):
    one = [event(server, "Auth", time=1768478400, **{"$insert_id": "auth-1"})]
    target = f"/import?strict=1&project_id={server.project}"
    wrong = base64.b64encode(f"{server.username}:wrong".encode()).decode()
    for headers in ({}, {"Authorization": "Basic " + wrong}, {"Authorization": "Basic !!!"}, {"Authorization": "Bearer x"}):
        status, _, answer = server.request("POST", target, json.dumps(one).encode(), {**JSON, **headers})
        told = json.loads(answer)
        assert status == 401 and told["code"] == 401 and told["error"] and told["status"] == "Unauthorized"
    token = base64.b64encode(f"{server.token}:".encode()).decode()
    status, _, answer = server.request("POST", "/import?strict=1", json.dumps(one).encode(), {**JSON, "Authorization": "Basic " + token})
    assert status == 200 and json.loads(answer)["num_records_imported"] == 1
    status, _, _ = server.post_json(f"/import?strict=1&project_id={server.project + 1}", one, authorized=True)
    assert status in (401, 403)


def test_import_limits(server):
    target = f"/import?strict=1&project_id={server.project}"
    many = [event(server, "Many", time=1768478400, **{"$insert_id": f"m{i}"}) for i in range(2001)]
    status, _, answer = server.post_json(target, many, authorized=True)
    assert status in (400, 413) and json.loads(answer)["error"]
    status, _, answer = server.request("POST", target, b"[" + b" " * 11_000_000 + b"]", JSON, authorized=True)
    assert status == 413 and json.loads(answer)["code"] == 413
    bomb = gzip.compress(b"[" + b" " * 200_000_000 + b"]")
    status, _, answer = server.request("POST", target, bomb, {**JSON, "Content-Encoding": "gzip"}, authorized=True)
    assert status == 413
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    body = f'[{{"event":"Deep","properties":{{"time":1768478400,"distinct_id":"u","$insert_id":"d1","x":{deep}}}}}]'
    status, _, answer = server.request("POST", target, body.encode(), JSON, authorized=True)
    assert status == 400
    wide = event(server, "Wide", time=1768478400, **{"$insert_id": "w1"}, **{f"p{i}": i for i in range(300)})
    status, _, answer = server.post_json(target, [wide], authorized=True)
    assert status == 400 and json.loads(answer)["failed_records"][0]["index"] == 0
    assert not seen(server, "Wide") and not seen(server, "Deep")


def test_strings_are_cut_whole_characters(server):
    server.import_events([event(server, "Long", time=1768478400, text="ä" * 400, **{"$insert_id": "long-1"})])
    text = seen(server, "Long")[0]["properties"]["text"]
    assert text and set(text) == {"ä"} and 120 <= len(text) <= 255


def test_old_events_by_track_are_not_taken(server):
    status, _, answer = server.post_json("/track?verbose=1", event(server, "Too Old", time=time.time() - 30 * 86400))
    assert json.loads(answer)["status"] == 0
    assert not seen(server, "Too Old")


def test_stubs_that_sdks_call(server):
    for path in ("/flags/", "/flags", "/flags/definitions", "/settings/", "/settings"):
        status, headers, answer = server.request("GET", f"{path}?token={server.token}&context=%7B%7D")
        assert status == 200 and headers["Content-Type"].startswith("application/json"), path
        assert isinstance(json.loads(answer), dict)
    status, _, answer = server.request("GET", "/flags/")
    assert json.loads(answer)["flags"] == {}
    status, _, answer = server.request("POST", f"/record/?token={server.token}&seq=0&replay_id=r", b"\x1f\x8b junk",
                                       {"Content-Type": "application/octet-stream"})
    assert status == 200 and isinstance(json.loads(answer), dict)


def test_pipelined_answers_come_in_order(server):
    connection = RawConnection(server.port)
    for number in range(40):
        body = json.dumps(event(server, "Piped", n=number)).encode()
        connection.request("POST", "/track" if number % 2 else "/track?verbose=1", ["Content-Type: application/json"], body)
    for number in range(40):
        status, _, answer = connection.answer()
        assert status == 200 and answer == (b"1" if number % 2 else answer) and (number % 2 or b"status" in answer)
    connection.close()
    assert len(seen(server, "Piped")) == 40


def test_long_request_line(server):
    text = "x" * 200
    many = [event(server, "Line", t=text) for _ in range(120)]
    data = urllib.parse.quote(b64(many))
    assert 32_000 < len(data) < 64_000
    status, _, answer = server.request("GET", f"/track?data={data}")
    assert (status, answer) == (200, b"1")
    connection = RawConnection(server.port)
    connection.request("GET", "/track?data=" + "A" * 300_000)
    try:
        assert connection.answer()[0] in (400, 413, 414, 431)
    except ConnectionError:
        pass


@pytest.mark.parametrize("text", [
    b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /track HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    b"POST /track HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"POST /track HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    b"POST /track HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n\r\n",
    b"GET /%00%ff%%% HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 3000])
def test_malformed_requests_are_refused(server, text):
    connection = RawConnection(server.port)
    connection.send(text)
    try:
        status, _, _ = connection.answer()
        assert 400 <= status < 502
    except (ConnectionError, TimeoutError, OSError):
        pass
    connection.close()
    assert server.healthy()


def test_hidden_token_of_another_project(server):
    status, _, answer = server.post_json("/track?verbose=1", {"event": "Stranger", "properties": {
        "token": "0123456789abcdef0123456789abcdef", "distinct_id": "u1"}})
    assert status in (200, 401)
    assert not seen(server, "Stranger")


def test_nearly_json_is_mended(server):
    good = json.dumps(event(server, "Mended", n=0))
    text = json.dumps(event(server, "Mended", n=1, text="TEXT"))
    for spoilt in ('"TEXT\u0001\ud83d"', "100000000000000000000", "1e400", "NaN", "-Infinity", '"two\nlines"'):
        body = f"[{good},{text}]".replace('"TEXT"', spoilt).encode("utf-8", "surrogatepass")
        assert server.request("POST", "/track", body, JSON)[2] == b"1", spoilt
    six_bytes = json.dumps(event(server, "Mended", n=1, text="TEXT")).encode().replace(b"TEXT", b"\xed\xa0\xbd\xed\xb8\x80")
    for body, kind in ((six_bytes, JSON), (b"data=" + urllib.parse.quote(base64.b64encode(six_bytes)).encode(), FORM)):
        assert server.request("POST", "/track", body, kind)[2] == b"1"
    texts = [e["properties"].get("text") for e in seen(server, "Mended") if e["properties"]["n"] == 1]
    assert len(texts) == 8 and texts.count("\U0001f600") == 2 and texts.count(None) == 3 and texts.count("two\nlines") == 1
    assert texts.count(1e20) == 1
    assert len(seen(server, "Mended")) == 14


def test_one_bad_element_does_not_cost_the_others(server):
    good = json.dumps(event(server, "Neighbour"))
    assert server.request("POST", "/track", f"[{good},{{'event':1}},{good}]".encode(), JSON)[2] == b"1"
    strict = [json.dumps(event(server, "Neighbour", time=1768478400, **{"$insert_id": f"n{i}"})) for i in range(2)]
    status, _, answer = server.request("POST", f"/import?strict=1&project_id={server.project}",
                                       f"[{strict[0]},{{\"event\":undefined}},{strict[1]}]".encode(), JSON, authorized=True)
    told = json.loads(answer)
    assert status == 400 and told["num_records_imported"] == 2 and [f["index"] for f in told["failed_records"]] == [1]
    status, _, answer = server.request("POST", f"/import?strict=1&project_id={server.project}", f"garbage\n{strict[0]}\n".encode(),
                                       {"Content-Type": "application/x-ndjson"}, authorized=True)
    told = json.loads(answer)
    assert status == 400 and told["num_records_imported"] == 1 and [f["index"] for f in told["failed_records"]] == [0]
    assert len(seen(server, "Neighbour")) == 4


def test_repeated_operators_of_a_profile_are_one(server):
    before = server.rss_bytes()
    many = '"$set":{},' * 90_000
    body = f'{{"$token":"{server.token}","$distinct_id":"repeats",{many}"$set":{{"repeated":1}}}}'
    packed = gzip.compress(("[" + ",".join([body] * 10) + "]").encode())
    assert len(packed) < 40_000
    status, _, answer = server.request("POST", "/engage", packed, {**JSON, "Content-Encoding": "gzip"})
    assert (status, answer) == (200, b"1")
    server.wait_until_queryable()
    assert [p for p in server.profiles() if p["$properties"].get("repeated") == 1]
    assert server.rss_bytes() - before < 400_000_000


def test_a_device_is_no_user(server):
    chained = event(server, "Chained", time=1768478400, **{"$device_id": "c1", "$user_id": "$device:c2", "$insert_id": "c1"})
    status, _, answer = server.post_json(f"/import?strict=1&project_id={server.project}", [chained], authorized=True)
    failed = json.loads(answer)["failed_records"]
    assert status == 400 and failed[0]["field"] == "properties.$user_id" and "device" in failed[0]["message"]
    for i in range(3):
        body = event(server, "Chained", **{"$device_id": f"c{i}", "$user_id": f"$device:c{i + 1}"})
        assert server.post_json("/track", body)[2] == b"1"
    found = seen(server, "Chained")
    assert len({e["properties"]["distinct_id"] for e in found}) == 3
    assert all("$user_id" not in e["properties"] for e in found)


def test_head_stores_nothing(server):
    data = urllib.parse.quote(b64(event(server, "Head")))
    for path in ("/track", "/import", "/engage", "/groups"):
        connection = RawConnection(server.port)
        connection.send(f"HEAD {path}?data={data} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.answer()[0] == 200
        connection.close()
    assert not seen(server, "Head")


def test_absolute_form_targets(server):
    connection = RawConnection(server.port)
    data = urllib.parse.quote(b64(event(server, "Absolute")))
    connection.request("GET", f"http://127.0.0.1:{server.port}/track?data={data}")
    assert connection.answer()[::2] == (200, b"1")
    connection.close()
    assert len(seen(server, "Absolute")) == 1


def test_small_mistakes_are_forgiven(server):
    padded = gzip.compress(json.dumps(event(server, "Padded")).encode()) + bytes(512)
    assert server.request("POST", "/track", padded, {**JSON, "Content-Encoding": "gzip"})[2] == b"1"
    for more in ({"$insert_id": True}, {"time": int(time.time() * 1e6)}, {"time": time.time() * 10}):
        assert server.post_json("/track", event(server, "Padded", **more))[2] == b"1", more
    found = seen(server, "Padded")
    assert len(found) == 4 and all(abs(e["properties"]["time"] - time.time()) < 120 for e in found)


def test_lookup_tables_are_not_found(server):
    status, _, answer = server.request("PUT", "/lookup-tables/0f5e9a1c-1111-4222-8333-abcdefabcdef", b"id,name\n1,a\n",
                                       {"Content-Type": "text/csv"}, authorized=True)
    assert status == 404 and json.loads(answer) == {
        "code": 404, "error": "Lookup table with id '0f5e9a1c-1111-4222-8333-abcdefabcdef' was not found.", "status": "Not Found"}
    status, _, answer = server.request("PUT", "/lookup-tables/needle%40example.com", b"x")
    assert status == 404 and b"needle" not in answer


def test_guessers_are_told_to_come_back():
    with BulkheadServer() as server:
        one = [event(server, "Guessed", time=1768478400, **{"$insert_id": "g1"})]
        wrong = base64.b64encode(f"{server.username}:wrong".encode()).decode()
        statuses = []
        for _ in range(8):
            status, headers, _ = server.request("POST", f"/import?strict=1&project_id={server.project}", json.dumps(one).encode(),
                                                {**JSON, "Authorization": "Basic " + wrong})
            statuses.append(status)
        assert statuses[0] == 401 and statuses[-1] == 429 and int(headers["Retry-After"]) > 0
        status, headers, answer = server.post_json(f"/import?strict=1&project_id={server.project}", one, authorized=True)
        told = json.loads(answer)
        assert status == 429 and told["code"] == 429 and told["status"] == "Too Many Requests" and int(headers["Retry-After"]) > 0
        token = base64.b64encode(f"{server.token}:".encode()).decode()
        status, _, _ = server.request("POST", "/import?strict=1", json.dumps(one).encode(), {**JSON, "Authorization": "Basic " + token})
        assert status == 200


def test_limit_on_open_files_is_raised():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 200), hard))
    try:
        with BulkheadServer() as server:
            limits = pathlib.Path(f"/proc/{server.compartments()['intake']}/limits").read_text()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    assert int(line.split()[3]) == int(line.split()[4]) >= min(hard, 16384)  # intake's own limit (docs/confinement.md)
