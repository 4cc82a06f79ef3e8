"""The positive and negative literals of gitleaks' rule files (Go), with the generated ones generated from a fixed seed.

A small evaluator of the Go expressions that these files use; nothing of gitleaks is run."""

import base64
import pathlib
import random
import re

from random_text import matching

TOKEN = re.compile(r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/) | (?P<raw>`[^`]*`) | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<name>[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*) | (?P<number>\d+) | (?P<mark>\.\.\.|:=|[-+(){}\[\],:=*&.;!<>|/%?'\\@#$^~])
""", re.X | re.S)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


SHORTEST_SECRET = 8
# Rules without the words of a vendor that nevertheless know the secret by what stands around it, not by its own form.
BY_CONTEXT = {"curl-auth-header", "curl-auth-user", "kubernetes-secret-yaml", "nuget-config-password", "sidekiq-sensitive-url",
              "gcp-service-account", "generic-api-key", "gitlab-session-cookie"}


class Unreadable(Exception):
    pass


def tokens(text):
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise Unreadable(text[at:at + 40])
        if match.lastgroup != "space":
            yield match.lastgroup, match.group()
        at = match.end()


def unquoted(literal):
    def escape(match):
        kind = match.group(1)
        return ESCAPES[kind] if kind in ESCAPES else chr(int(kind[1:], 16))
    return re.sub(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", escape, literal[1:-1])


def format_go(template, values):
    values = iter(values)
    return re.sub(r"%[svqd]", lambda m: f'"{next(values)}"' if m.group() == "%q" else str(next(values)), template)


class Conventions:
    """What the rule files share: how samples are written, how patterns are framed, what classes of characters are called."""

    def __init__(self, folder):
        text = "".join(p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.go")) if not p.name.endswith("_test.go"))
        self.samples = [unquoted(m) if m[0] == '"' else m[1:-1]
                        for m in re.findall(r'^\t\t"[^"]+":\s+("(?:\\.|[^"\\])*"|`[^`]*`),', text, re.M)]
        self.sample = re.search(r'func GenerateSampleSecret\(.*?Sprintf\(("(?:\\.|[^"\\])*")', text, re.S).group(1)
        self.frames = dict(re.findall(r"^\t(\w+)\s*= `([^`]*)`", text, re.M))
        self.classes = dict(re.findall(r"^func (\w+)\(\w* ?\w*\) string \{\s+return (?:fmt\.Sprintf\()?`([^`]*)`", text, re.M))

    def unique(self, secret, any_case):
        f = self.frames
        return (f["caseInsensitive"] if any_case else "") + f["secretPrefixUnique"] + secret + f["secretSuffix"]

    def generic(self, words, secret):
        f = self.frames
        return (f["caseInsensitive"] + f["identifierPrefix"] + "|".join(words) + f["identifierSuffix"] + f["operator"] +
                f["secretPrefix"] + secret + f["secretSuffix"])

    def written(self, vendor, secret):
        return [s.replace("{i}", vendor).replace("{I}", vendor.upper()).replace("{s}", secret) for s in self.samples]


class Evaluator:
    """Of one Go function: expressions of strings and lists of strings."""

    def __init__(self, conventions, rng):
        self.conventions = conventions
        self.rng = rng
        self.any_case = True
        self.names = {"nil": []}

    def value(self, text):
        self.tokens = list(tokens(text))
        self.at = 0
        return self.expression()

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, mark=None):
        token = self.peek()
        if mark is not None and token[1] != mark:
            raise Unreadable(f"{mark} expected, not {token[1][:30]}")
        self.at += 1
        return token

    def expression(self):
        value = self.term()
        while self.peek()[1] == "+":
            self.take()
            value += self.term()
        return value

    def term(self):
        kind, text = self.take()
        if kind == "raw":
            return text[1:-1]
        if kind == "string":
            return unquoted(text)
        if text == "[":
            self.take("]")
            self.take()
            return self.elements()
        if text == "map":
            while self.take()[1] != "]":
                pass
            self.take()
            return self.elements()
        if kind == "name" and self.peek()[1] == "(":
            return self.call(text)
        if kind == "name" and text in self.names:
            return self.names[text]
        raise Unreadable(text[:40])

    def elements(self):
        self.take("{")
        values = []
        while self.peek()[1] != "}":
            value = self.expression()
            if self.peek()[1] == ":":  # of a map only the value counts: a file's content
                self.take()
                value = self.expression()
            values.append(value)
            if self.peek()[1] == ",":
                self.take()
        self.take("}")
        return values

    def call(self, name):
        self.take("(")
        arguments = []
        while self.peek()[1] != ")":
            argument = self.expression()
            if self.peek()[1] == "...":
                self.take()
                arguments.extend(argument)
            else:
                arguments.append(argument)
            if self.peek()[1] == ",":
                self.take()
        self.take(")")
        return self.apply(name, arguments)

    def apply(self, name, arguments):
        last = name.rsplit(".", 1)[-1]
        if name == "append":
            return list(arguments[0]) + arguments[1:]
        if name == "[]byte" or name == "string":
            return arguments[0]
        if last in self.conventions.classes:
            return self.conventions.classes[last].replace("%s", arguments[0] if arguments else "")
        if last == "NewSecret" or last == "newPlausibleSecret":
            return matching(arguments[0], self.rng)
        if name == "fmt.Sprintf":
            return format_go(arguments[0], arguments[1:])
        if last == "GenerateSampleSecrets":
            return self.conventions.written(*arguments)
        if last == "GenerateSampleSecret":
            return format_go(unquoted(self.conventions.sample), arguments)
        if last == "EncodeToString":
            coded = (base64.urlsafe_b64encode if "URL" in name else base64.b64encode)(arguments[0].encode()).decode()
            return coded.rstrip("=") if "Raw" in name else coded
        if last == "GenerateUniqueTokenRegex":
            return self.conventions.unique(arguments[0], self.any_case)
        if last == "GenerateSemiGenericRegex":
            return self.conventions.generic(arguments[0], arguments[1])
        if last == "MustCompile":
            return arguments[0]
        if last == "MergeRegexps":
            return "|".join(arguments)
        raise Unreadable(name)


def python_pattern(pattern):
    """Go's syntax as Python's: flags in the middle of a pattern become flags of a group to its end."""
    pattern = pattern.replace(r"\z", r"\Z").replace("[[:alnum:]]", "[A-Za-z0-9]").replace("[:alnum:]", "A-Za-z0-9")
    match = re.match(r"^\(\?([ims]+)\)", pattern)
    flags = 0
    if match:
        pattern = pattern[match.end():]
        flags = sum({"i": re.I, "m": re.M, "s": re.S}[c] for c in match.group(1))
    pattern = re.sub(r"\(\?([ims]+)\)(.*?)(?=\)[)(]|$)", r"(?\1:\2)", pattern)
    return re.compile(pattern, flags)


def functions(source):
    for match in re.finditer(r"^func (\w+)\(\) \*config\.Rule \{\n(.*?)^\}\n(?=\n|\Z)", source, re.M | re.S):
        yield match.group(1), match.group(2)


def statements(body):
    """(name, text from its value on) for each assignment to a variable, in order."""
    for match in re.finditer(r"^\t*(?:var )?(\w+)(?: \[\]string)?\s+:?= (?=\S)", body, re.M):
        yield match.group(1), body[match.end():]


def lists_of(body, shared, evaluator):
    """The rule's id, its pattern, and the lists of its positives and negatives."""
    rule = re.search(r'RuleID:\s+"([^"]+)"', body).group(1)
    keyed = "GenerateSemiGenericRegex" in body
    failed = {}
    for name, text in shared + list(statements(body)):
        if name == "r":
            continue
        try:
            evaluator.names[name] = evaluator.value(text)
        except (Unreadable, IndexError, ValueError) as error:
            failed[name] = error
    pattern = None
    found = re.search(r"^\t+Regex:\s+", body, re.M)
    if found:
        try:
            line = body[found.end():]
            evaluator.any_case = re.search(r", (true|false)\)", line) is not None and re.search(r", (true|false)\)", line).group(1) == "true"
            evaluator.names.update({"true": True, "false": False})
            pattern = python_pattern(evaluator.value(line))
        except (Unreadable, IndexError, re.error):
            pattern = None
    last = re.search(r"return utils\.(?:Validate|ValidateWithPaths)\((\w+), *(.*)", body, re.S)
    positives, negatives = [], []
    if last:
        evaluator.tokens = list(tokens(last.group(2)[:last.group(2).rfind(")")]))
        evaluator.at = 0
        try:
            positives = evaluator.expression()
            evaluator.take(",")
            negatives = evaluator.expression()
        except Unreadable as error:
            if not positives:
                raise Unreadable(f"{error}: {failed}") from error
            print(f"not read: {rule}: some literals are computed: {error}")
    return rule, keyed, pattern, positives, negatives


def found_in(pattern, framed, text):
    """What the rule takes for the secret: the first group of a framed pattern; of any other the first group, unless it is but a
    small part of the match."""
    match = pattern.search(text) if pattern else None
    if not match:
        return None
    groups = [g for g in match.groups() if g and len(g) >= SHORTEST_SECRET]
    if framed or (groups and 2 * len(groups[0]) >= len(match.group(0))):
        return groups[0] if groups else match.group(0)
    return match.group(0)


def core(found):
    """Without what is public in it: the host of an address, the words around a password."""
    for pattern in (r"://[^/\s:@]*:([^/\s@]+)@", r"hooks\.slack\.com/\w+/(.+)", r"webhook\.office\.com/\w+/([^@/]+)", r"^_\w+_session=(\S+)$"):
        match = re.search(pattern, found)
        if match:
            return match.group(1)
    return found


def read(folder):
    unread, lost = [], 0
    conventions = Conventions(pathlib.Path(folder, "cmd/generate/config/utils"))
    for path in sorted(pathlib.Path(folder, "cmd/generate/config/rules").glob("*.go")):
        source = path.read_text(encoding="utf-8")
        shared = [(m.group(1), source[m.end():]) for m in re.finditer(r"^var (\w+) = ", source, re.M)]
        for name, body in functions(source):
            if "RuleID" not in body:
                continue
            try:
                rule, keyed, pattern, positives, negatives = lists_of(body, shared, Evaluator(conventions, random.Random(path.name + name)))
            except (Unreadable, StopIteration) as error:
                unread.append(f"{path.name} {name}: {error}")
                continue
            if not positives:
                unread.append(f"{path.name} {name}: no positives read")
            framed = "GenerateUniqueTokenRegex" in body or keyed
            keyed = keyed or rule in BY_CONTEXT
            for text in filter(None, positives):
                found = found_in(pattern, framed or rule in BY_CONTEXT, text)
                if found is None:
                    lost += 1  # generated from another reading of the pattern, or one that Python has no way to read
                    continue
                # A secret that says itself what it is is tried alone, any other with what stands around it.
                yield {"corpus": "gitleaks", "rule": rule, "keyed": keyed, "positive": True, "text": text if keyed else found,
                       "secret": core(found)}
            for text in filter(None, negatives):
                yield {"corpus": "gitleaks", "rule": rule, "keyed": keyed, "positive": False, "text": text, "secret": ""}
    for line in unread:
        print("not read:", line)
    print(f"gitleaks: {lost} positives that their own rule's pattern does not find here")
