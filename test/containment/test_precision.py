"""Clean traffic that looks dangerous, heavy in UUIDs, hashes, order numbers and versions: fewer than 1 event in 10,000 altered."""

import json
import os
import random

from workload import DAY, FROM, TO

EVENTS = int(os.environ.get("PRECISION_EVENTS", "60000"))
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def hexa(rnd, digits):
    return f"{rnd.getrandbits(4 * digits):0{digits}x}"


def uuid(rnd):
    text = hexa(rnd, 32)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{rnd.choice('89ab')}{text[17:20]}-{text[20:]}"


def take(rnd, alphabet, count):
    return "".join(rnd.choice(alphabet) for _ in range(count))


def version(rnd, parts):
    return ".".join(str(rnd.randrange(0, 40)) for _ in range(parts))


def clean_properties(rnd, index):
    """All kept as they are by any sensible policy. Every kind has its own property, so that a miss names itself."""
    return {
        "request_id": uuid(rnd),
        "trace": hexa(rnd, 32),
        "commit": hexa(rnd, 40),
        "short_commit": hexa(rnd, 8),
        "digest": "sha256:" + hexa(rnd, 64),
        "etag": f'W/"{hexa(rnd, 16)}"',
        "order_number": f"ORD-2026-{rnd.randrange(10**6):06d}",
        "order_id": str(rnd.randrange(10**8, 10**9)),
        "invoice": f"INV{rnd.randrange(10**7):07d}",
        "number": rnd.randrange(10**12),
        "article": take(rnd, "0123456789", 13),
        "app_version": version(rnd, 3),
        "build_version": version(rnd, 4),
        "release": f"v{version(rnd, 3)}-beta.{rnd.randrange(9)}+{hexa(rnd, 7)}",
        "engine": f"Chrome/{rnd.randrange(90, 140)}.0.{rnd.randrange(4000, 7000)}.{rnd.randrange(20, 250)}",
        "ulid": "01" + take(rnd, CROCKFORD, 24),
        "nano": take(rnd, BASE62 + "_-", 21),
        "object": f"{rnd.choice(('cus', 'ch', 'in', 'sub'))}_{take(rnd, BASE62, 14)}",
        "pod": f"api-{hexa(rnd, 10)}-{take(rnd, 'bcdfghjklmnpqrstvwxz2456789', 5)}",
        "at": f"2026-0{rnd.randrange(1, 10)}-1{rnd.randrange(10)}T{rnd.randrange(24):02d}:30:{rnd.randrange(60):02d}.123Z",
        "at_ms": str(1768435200000 + rnd.randrange(10**9)),
        "at_us": str(1768435200000000 + rnd.randrange(10**12)),
        "duration": f"{rnd.randrange(24):02d}:{rnd.randrange(60):02d}:{rnd.randrange(60):02d}",
        "price": round(rnd.random() * 1000, 2),
        "share": rnd.random(),
        "size": f"{rnd.randrange(1920)}x{rnd.randrange(1080)}",
        "colour": "#" + hexa(rnd, 6),
        "model": f"gpt-{rnd.randrange(3, 6)}.{rnd.randrange(9)}-turbo-{rnd.randrange(2023, 2027)}-0{rnd.randrange(1, 10)}-1{rnd.randrange(10)}",
        "sentence": f"Loaded {rnd.randrange(10**4)} rows of table t{index % 99} in {rnd.randrange(10**5)} ms, attempt {index % 4}",
        "error": f"TypeError: x[{rnd.randrange(999)}] is undefined at line {rnd.randrange(9999)}:{rnd.randrange(99)}",
        "path": f"/v1/projects/{rnd.randrange(10**6)}/runs/{rnd.randrange(10**4)}",
        "feature_token_count": rnd.randrange(10**5),
        "items": [{"sku": f"{take(rnd, 'ABCDEFGH', 3)}-{rnd.randrange(10**5):05d}", "quantity": rnd.randrange(9)}],
    }


def test_precision(server):
    rnd = random.Random(7)
    sent = []
    for index in range(EVENTS):
        sent.append(clean_properties(rnd, index))
    server.import_events([{"event": "Clean", "properties": {
        **properties, "time": DAY + index % 86400, "distinct_id": f"u{index % 300}", "$insert_id": f"clean-{index}", "n": index}}
        for index, properties in enumerate(sent)])
    server.wait_until_queryable(120)
    found = {e["properties"]["n"]: e["properties"] for e in server.export(FROM, TO)}
    assert len(found) == EVENTS
    altered, by_property = 0, {}
    for index, properties in enumerate(sent):
        wrong = [name for name, value in properties.items() if found[index].get(name) != value]
        altered += bool(wrong)
        for name in wrong:
            by_property.setdefault(name, []).append((properties[name], found[index].get(name)))
    shown = json.dumps({name: [len(cases), cases[:3]] for name, cases in by_property.items()}, indent=1)
    assert altered * 10_000 < EVENTS, f"{altered} of {EVENTS} events altered:\n{shown}"
