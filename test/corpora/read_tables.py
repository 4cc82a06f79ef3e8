"""secretlint's snapshots and Presidio's recogniser tables, as records."""

import ast
import ipaddress
import json
import pathlib
import re

KEYED = ("azure", "npm", "secp256k1", "no-k8s", "database", "basicauth")  # known by what stands around them
NOT_SECRETS = ("internal-test", "preset", "example", "filter-comments", "no-dotenv", "no-homedir", "pattern")  # rules of other kinds
POSITIONS = ("expected_positions", "expected_position", "expected_res")


def read_secretlint(folder):
    for path in sorted(pathlib.Path(folder, "packages/@secretlint").glob("secretlint-rule-*/test/snapshots/*/output.json")):
        rule = path.parent.parent.parent.parent.name.removeprefix("secretlint-rule-")
        if rule.startswith(NOT_SECRETS):
            continue
        shot = json.loads(path.read_text(encoding="utf-8"))
        text = shot.get("sourceContent", "")
        if not text or shot.get("sourceContentType") != "text":
            continue
        found = [m for m in shot["messages"] if m.get("type") == "message"]
        for message in found:
            found_text = text[slice(*message["range"])]
            secret = value_of(found_text)
            # A snapshot may be long: the lines around the secret are what an SDK could have sent.
            around = text[text.rfind("\n", 0, message["range"][0]) + 1:]
            end = around.find("\n", around.find(found_text) + len(found_text))
            keyed = rule.startswith(KEYED) or secret != found_text
            yield {"corpus": "secretlint", "rule": rule, "keyed": keyed, "positive": True, "secret": secret,
                   "text": (around if end < 0 else around[:end]) if keyed else found_text}
        if not shot["messages"] and path.parent.name.startswith("ok"):
            for line in filter(None, (line.strip() for line in text.split("\n"))):
                yield {"corpus": "secretlint", "rule": rule, "keyed": False, "positive": False, "secret": "", "text": line}


def value_of(found):
    """The secret alone where a snapshot marks the name with it, or a whole address."""
    match = re.search(r"://[^/\s:@]*:([^/\s@]+)@", found) or re.search(r"""^["']?\w{2,40}["']?\s*(?:=>|:=|=|:)\s*["']?([^"'\s]{8,})""", found)
    return match.group(1) if match else found.removeprefix("https://")


def seen_from_outside(address):
    """Whether it can name a household: what is private, local or reserved cannot; documentation's stand for real ones."""
    address = address.strip("[]()").split("/")[0].split("%")[0]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if parsed.version == 6:
        mapped = parsed.ipv4_mapped
        return (parsed in ipaddress.ip_network("2000::/3")) if mapped is None else seen_from_outside(str(mapped))
    documentation = any(parsed in ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
    return documentation or parsed.is_global


def tables_of(tree):
    """(names, rows) of each pytest.mark.parametrize with literal rows."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "parametrize"):
            continue
        if len(node.args) < 2 or not isinstance(node.args[1], (ast.List, ast.Tuple)):
            continue
        try:
            names = ast.literal_eval(node.args[0])
        except ValueError:
            continue
        names = [n.strip() for n in (names.split(",") if isinstance(names, str) else names)]
        rows = []
        for row in node.args[1].elts:
            try:
                rows.append(ast.literal_eval(row))
            except ValueError:
                rows.append(None)  # one that is computed, such as with max_score: only its text is needed
                if isinstance(row, ast.Tuple):
                    rows[-1] = [literal_or_none(e) for e in row.elts]
        yield names, rows


def literal_or_none(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def spans(row):
    """Pairs of whole numbers anywhere in the row: where the recogniser found something."""
    if isinstance(row, (tuple, list)):
        if len(row) == 2 and all(isinstance(x, int) and not isinstance(x, bool) for x in row) and row[1] > row[0]:
            yield tuple(row)
            return
        for element in row:
            yield from spans(element)


def read_presidio(folder):
    for path in sorted(pathlib.Path(folder, "presidio-analyzer/tests").glob("test_*_recognizer.py")):
        rule = path.stem.removeprefix("test_").removesuffix("_recognizer")
        for names, rows in tables_of(ast.parse(path.read_text(encoding="utf-8"))):
            if names[:2] != ["text", "expected_len"]:
                continue
            for row in filter(None, rows):
                text, count = row[0], row[1]
                if not isinstance(text, str) or not isinstance(count, int):
                    continue
                found = sorted(set(spans(list(row[2:]))))
                whole = [(0, len(text))]
                for begin, end in (found or whole)[:max(count, 0)]:
                    name = "ip (private)" if rule == "ip" and not seen_from_outside(text[begin:end]) else rule
                    yield {"corpus": "presidio", "rule": name, "keyed": False, "positive": True, "secret": text[begin:end],
                           "text": text[begin:end]}
                if count == 0:
                    yield {"corpus": "presidio", "rule": rule, "keyed": False, "positive": False, "secret": "", "text": text}
