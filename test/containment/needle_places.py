"""Where a needle can stand in what a client sends: functions from its text to properties, or to a whole event or update."""

import base64
import json
import urllib.parse


def percent(text):
    return urllib.parse.quote(text, safe="")


def percent_all(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


def b64(text):
    return base64.b64encode(text.encode()).decode()


def b64_url(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class Escaped(str):
    """A string that goes onto the wire as \\u escapes only."""


PROPERTY_PLACES = {
    "value": lambda v: {"note": v},
    "prose": lambda v: {"message": f"I tried {v} and it failed"},
    "name": lambda v: {f"opt {v}"[:200]: True},
    "nested": lambda v: {"context": {"form": {"answer": v}}},
    "nested_name": lambda v: {"context": {v[:200]: 1}},
    "array": lambda v: {"tags": ["a", v, "b"]},
    "array_object": lambda v: {"items": [{"sku": "x", "memo": v}]},
    "url_query": lambda v: {"$current_url": f"https://app.example.com/x?utm_source=a&q={percent(v)}"},
    "url_path": lambda v: {"$current_url": f"https://app.example.com/u/{percent(v)}/edit"},
    "url_fragment": lambda v: {"page_url": f"https://app.example.com/#/x?q={percent(v)}"},
    "url_utm": lambda v: {"$current_url": f"https://app.example.com/?utm_campaign={percent(v)}"},
    "url_in_prose": lambda v: {"message": f"see https://app.example.com/x?q={percent(v)} please"},
    "referrer": lambda v: {"$referrer": f"https://ref.example.org/?s={percent(v)}"},
    "initial_referrer": lambda v: {"$initial_referrer": f"https://ref.example.org/in/{percent(v)}"},
    "title": lambda v: {"current_page_title": f"Inbox - {v}"},
    "percent": lambda v: {"raw": percent_all(v)},
    "percent_mixed": lambda v: {"raw": f"q={percent(v)}&x=1"},
    "base64": lambda v: {"blob": b64(v)},
    "base64_prose": lambda v: {"blob": b64(f"the user typed {v} there")},
    "base64_url": lambda v: {"blob": b64_url(f"typed {v} there")},
    "json_text": lambda v: {"payload": json.dumps({"a": {"b": v}})},
    "escaped": lambda v: {"note": Escaped(f"it was {v}!")},
    "utm": lambda v: {"utm_source": v},
    "browser": lambda v: {"$browser": v},
    "place": lambda v: {"$city": v, "$region": v},
    "library": lambda v: {"mp_lib": v},
    "group": lambda v: {"company": v},
    "group_list": lambda v: {"company": ["acme", v]},
    "long": lambda v: {"note": "The report said that it did not work. " * 4 + v + " " + "and so on. " * 9},
}

EVENT_NAME_PLACES = {"event_name": lambda v: f"Clicked {v}"[:200]}

PROFILE_PLACES = {
    "set": lambda v: {"$set": {"bio": v}},
    "set_once": lambda v: {"$set_once": {"first_note": f"about {v}"}},
    "set_nested": lambda v: {"$set": {"settings": {"deep": {"er": v}}}},
    "set_name": lambda v: {"$set": {f"field {v}"[:200]: 1}},
    "append": lambda v: {"$append": {"notes": v}},
    "append_object": lambda v: {"$append": {"$transactions": {"$amount": 2, "memo": v}}},
    "union": lambda v: {"$union": {"tags": ["a", v]}},
    "remove": lambda v: {"$remove": {"notes": v}},
    "unset": lambda v: {"$unset": [f"field {v}"[:200]]},
    "set_url": lambda v: {"$set": {"homepage_url": f"https://x.example.com/?q={percent(v)}"}},
    "set_base64": lambda v: {"$set": {"blob": b64(v)}},
}


def encode(value):
    """JSON on the wire, with Escaped strings as \\u escapes."""
    if isinstance(value, Escaped):
        return '"' + "".join(f"\\u{ord(c):04x}" for c in value) + '"'
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(encode(v) for v in value) + "]"
    return json.dumps(value)
