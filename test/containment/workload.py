"""A mixed workload with needles in it, and its way to the server by every route that clients use."""

import base64
import concurrent.futures
import gzip
import json
import random
import urllib.parse

from needle_kinds import BY_FORM, MIXED, PROPERTY_NAMES, QUERY_KEYS, core, pick
from needle_places import EVENT_NAME_PLACES, PROFILE_PLACES, PROPERTY_PLACES, encode, percent

DAY = 1768435200  # 15 January 2026, 00:00 UTC
FROM, TO = "2026-01-10", "2026-01-20"


class Workload:
    """events(): JSON texts, in order; updates(): profile and group updates. `needles` maps each core to its kind and place."""

    def __init__(self, server, events, seed, planted_share=0.04):
        self.server, self.total = server, events
        self.random = random.Random(seed)
        self.needles = {}
        self.planted_events = 0
        self.share = planted_share
        self.users = [f"cust-{core(self.random, 12)}" for _ in range(500)]
        for user in self.users:
            self.needles[user.split("-")[1]] = "distinct id"
        self.planted = list(self._make_planted())
        self.random.shuffle(self.planted)

    def _new(self, kind, place):
        value, cores = BY_FORM[kind](self.random)
        for part in cores:
            self.needles[part] = f"{kind} as {place}"
        return value

    def _named(self, what):
        secret = "v" + core(self.random, 20)
        self.needles[secret] = what
        return secret

    def _make_planted(self):
        """One event per kind and place, and the named ones."""
        for kind in BY_FORM:
            for place, put in PROPERTY_PLACES.items():
                yield "Mixed", put(self._new(kind, place))
            for place, put in EVENT_NAME_PLACES.items():
                yield put(self._new(kind, place)), {}
        for key in QUERY_KEYS:
            for place in ("$current_url", "$referrer", "href", "message"):
                secret = self._named(f"parameter {key} in {place}")
                address = f"https://app.example.com/oauth/callback?tab=1&{key}={percent(secret)}#x"
                yield "Mixed", {place: address if place != "message" else f"went to {address} just now"}
            secret = self._named(f"parameter {key} in a fragment")
            yield "Mixed", {"$current_url": f"https://app.example.com/cb#{key}={secret}&state=x"}
        for name in PROPERTY_NAMES:
            yield "Mixed", {name: self._named(f"property {name}")}
            if not name.startswith("$"):
                yield "Mixed", {"form": {"fields": {name: self._named(f"nested property {name}")}}}
                yield "Mixed", {"body": json.dumps({name: self._named(f"property {name} in JSON text")})}
        for place in ("$user_agent", "user_agent"):
            secret = self._named(f"user agent in {place}")
            yield "Mixed", {place: f"Mozilla/5.0 (X11; Linux x86_64; {secret}) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"}

    def events(self):
        step = max(1, int(1 / self.share))
        at = 0
        for index in range(self.total):
            if index % step == 0 or self.total - index <= len(self.planted) - at:
                event, properties = self.planted[at % len(self.planted)]
                at += 1
                self.planted_events += 1
            else:
                event, properties = self.clean(index)
            yield encode({"event": event, "properties": {**self.frame(index), **properties}})

    def frame(self, index):
        user = self.users[index * 7919 % len(self.users)]
        frame = {"time": DAY + index % 86400, "distinct_id": user, "n": index, "token": self.server.token}
        if index % 3 == 0:
            frame["$insert_id"] = f"{index:09d}-{self.random.getrandbits(40):010x}"
        return frame

    def clean(self, index):
        rnd = self.random
        return ("api_call", "page_view", "Mixed")[index % 3], {
            "plan": ("free", "pro", "team")[index % 3], "latency_ms": index % 997, "ok": index % 7 > 0,
            "path": f"/v1/items/{index % 50}", "request_id": f"{rnd.getrandbits(128):032x}",
            "tags": ["a", f"t{index % 9}"], "$current_url": f"https://app.example.com/p/{index % 40}?utm_source=news"}

    def updates(self):
        """(path, JSON text) of profile and group updates."""
        token = self.server.token
        for number, kind in enumerate(BY_FORM):
            for place, put in PROFILE_PLACES.items():
                user = self.users[number % len(self.users)]
                update = put(self._new(kind, f"profile {place}"))
                yield "/engage", encode({"$token": token, "$distinct_id": user, **update})
            value = self._new(kind, "group id")
            yield "/groups", encode({"$token": token, "$group_key": "company", "$group_id": value, "$set": {"seats": 3}})
            value = self._new(kind, "group property")
            yield "/groups", encode({"$token": token, "$group_key": "company", "$group_id": "acme", "$set": {"memo": value}})
            value = self._new(kind, "distinct id of a profile")
            yield "/engage", encode({"$token": token, "$distinct_id": value, "$set": {"plan": "pro"}, "$ip": "0"})
        for name in PROPERTY_NAMES:
            secret = self._named(f"profile property {name}")
            yield "/engage", encode({"$token": token, "$distinct_id": self.users[1], "$set": {name: secret}})


class Routes:
    """Each body of events takes one of the routes that clients take."""

    def __init__(self, server, needles, seed):
        self.server, self.needles = server, needles
        self.random = random.Random(seed)
        self.taken = {}

    def header_needles(self):
        secret, address = core(self.random, 18), f"93.{self.random.randrange(11, 99)}.{self.random.randrange(101, 254)}.177"
        self.needles[secret] = "a request's User-Agent, Referer or cookie"
        self.needles[address] = "X-Forwarded-For"
        return {"User-Agent": f"Mozilla/5.0 ({secret})", "Referer": f"https://site.example.com/?q={secret}",
                "Cookie": f"session={secret}", "X-Forwarded-For": address, "X-Real-IP": address}

    def send(self, connection, events, number):
        server = self.server
        text = "[" + ",".join(events) + "]"
        route = number % 6
        headers = {"Content-Type": "application/json", **(self.header_needles() if number % 5 == 0 else {})}
        target = f"/import?strict=0&project_id={server.project}"
        body = text.encode()
        if route == 0:
            body = "\n".join(events).encode()
            headers["Content-Type"] = "application/x-ndjson"
        elif route == 1:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        elif route == 2:
            body = ("data=" + base64.b64encode(body).decode()).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif route == 3:
            body = ("data=" + urllib.parse.quote(text) + "&verbose=1&ip=1").encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers["Authorization"] = server.basic
        connection.request("POST", target, body, headers)
        answer = connection.getresponse()
        status, told = answer.status, answer.read()
        assert status == 200, f"route {route}: {status} {told[:300]!r}"
        return told

    def send_all(self, source, batch=1000, connections=4):
        """Answers what the server said."""
        def work(numbered):
            connection = self.server.connect()
            told = [self.send(connection, events, number) for number, events in numbered]
            connection.close()
            return told

        told, group, pending = [], [], []
        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            for number, events in enumerate(batches(source, batch)):
                group.append((number, events))
                if len(group) == 8:
                    pending.append(pool.submit(work, group))
                    group = []
                if len(pending) > 2 * connections:
                    told += pending.pop(0).result()
            pending.append(pool.submit(work, group))
            for future in pending:
                told += future.result()
        return told


def batches(source, size):
    part = []
    for item in source:
        part.append(item)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def recent_track_events(workload, count, now):
    """Small ones for /track, which takes only the last days: GET with base64, beacons, single objects."""
    for index in range(count):
        secret = pick(workload.random, MIXED, 20)
        workload.needles[secret] = "password by /track"
        yield {"event": "Tracked", "properties": {
            "token": workload.server.token, "distinct_id": workload.users[index % 50], "time": now,
            "note": f"password={secret}", "ip": f"178.62.{index % 250}.{index % 250}"}}
