"""House rules that a program can check: sizes, names, words, and files that nothing uses."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_FILE_LINES = 700
MAX_FUNCTION_LINES = 70
MAX_PARAMETERS = 5
MAX_COLUMNS = 140  # clang-format holds the code to its own limit; this is for what it leaves alone
BANNED_NAMES = ("util", "utils", "helper", "helpers", "common", "misc", "manager")
BANNED_WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP)\b")
MACHINE_PATHS = re.compile(r"(?<![\w/])/(?:home|root|Users|wor" + r"k|tmp/bg)/[A-Za-z]")
RESOLVED = re.compile(r'"resolved":\s*"')


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def code_files():
    return tracked("src/*.h", "src/*.cc", "bench/*.cc", "bench/*.py", "test/*.h", "test/*.cc", "test/*.py", "test/*.js", "test/*.go")


def relative(path):
    return str(path.relative_to(ROOT))


def test_files_are_short():
    long = [f"{relative(p)}: {n} lines" for p in code_files() if (n := p.read_text().count("\n")) > MAX_FILE_LINES]
    assert not long, "\n".join(long)


def functions(text):
    """(line, name, length, parameters) of C++ functions with bodies, by clang-format's layout: a line that ends in `{` after a
    parenthesis, closed by the `}` of the same indentation."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        stripped = line.lstrip()
        if not line.endswith("{") or stripped.startswith(("if", "for", "while", "switch", "}", "else", "do", "catch", "try", "//",
                                                          "namespace", "struct", "class", "enum", "union", "extern")):
            continue
        start = before_initialisers(lines, number)
        head = lines[start]
        while head.count("(") < head.count(")") and start > 0:
            start -= 1
            head = lines[start] + " " + head
        match = re.search(r"([A-Za-z_~][\w:~]*)\s*\(", head)
        if not match or match.group(1) in ("if", "for", "while", "switch", "return") or "[" in head[:match.start()] or "=" in head[:match.start()].replace("operator=", ""):
            continue
        indent = len(lines[start]) - len(lines[start].lstrip())
        for end in range(number + 1, len(lines)):
            if lines[end].startswith(" " * indent + "}") and len(lines[end]) - len(lines[end].lstrip()) == indent:
                yield start + 1, match.group(1), end - start + 1, parameters(head[match.end() - 1:])
                break


def before_initialisers(lines, number):
    """The last line of a constructor's signature, where `number` ends its list of initialisers; else `number`."""
    first = number
    while first > 0 and not lines[first].lstrip().startswith(": ") and lines[first - 1].endswith(","):
        first -= 1
    return first - 1 if lines[first].lstrip().startswith(": ") else number


def parameters(text):
    """How many there are in the parenthesis that `text` starts with."""
    depth, count, seen = 0, 0, False
    for character in text:
        if character in "([{<":
            depth += 1
        elif character in ")]}>":
            depth -= 1
            if depth == 0:
                return count + seen
        elif depth == 1 and character == ",":
            count += 1
        elif depth >= 1 and not character.isspace():
            seen = True
    return count + seen


def test_functions_are_short_and_take_few_parameters():
    wrong = []
    for path in tracked("src/*.h", "src/*.cc", "bench/*.cc"):
        for line, name, length, count in functions(path.read_text()):
            if length > MAX_FUNCTION_LINES:
                wrong.append(f"{relative(path)}:{line}: {name} has {length} lines")
            if count > MAX_PARAMETERS and not path.name.endswith("_test.cc"):
                wrong.append(f"{relative(path)}:{line}: {name} takes {count} parameters")
    assert not wrong, "\n".join(wrong)


def test_function_finder_finds():
    """The canary: without it a change of layout could make the check above look at nothing."""
    text = "int Long(int a, int b) {\n" + "  a += b;\n" * 80 + "  return a;\n}\n"
    assert [(f[1], f[2], f[3]) for f in functions(text)] == [("Long", 83, 2)]
    found = sum(1 for path in tracked("src/*.cc") for _ in functions(path.read_text()))
    assert found >= 2 * len(tracked("src/*.cc"))


def test_names():
    wrong = []
    for path in tracked():
        words = set(re.split(r"[_.\-]", path.name.lower()))
        if words & set(BANNED_NAMES):
            wrong.append(relative(path))
        folders = path.relative_to(ROOT).parts[:-1]
        if len(folders) > 3:
            wrong.append(f"{relative(path)}: more than three folders deep")
        if path.suffix in (".cc", ".h") and not re.fullmatch(r"[a-z0-9_]+", path.stem):
            wrong.append(f"{relative(path)}: not snake_case")
    assert not wrong, "\n".join(wrong)


def test_words():
    wrong = []
    for path in tracked():
        if path == pathlib.Path(__file__) or path.suffix in (".lock", ".png", ".mmdb", ".bin") or path.name == "package-lock.json":
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if BANNED_WORDS.search(line) or MACHINE_PATHS.search(line):
                wrong.append(f"{relative(path)}:{number}: {line.strip()[:100]}")
    assert not wrong, "\n".join(wrong)


def test_lock_files_name_no_registry():
    wrong = [relative(p) for p in tracked("*package-lock.json") if RESOLVED.search(p.read_text())]
    assert not wrong, wrong


def test_headers_say_what_they_are_for():
    wrong = []
    for path in tracked("src/*.h"):
        text = path.read_text()
        if not text.startswith("//"):
            wrong.append(f"{relative(path)}: does not begin with a comment")
        if "#pragma once" not in text:
            wrong.append(f"{relative(path)}: no #pragma once")
    assert not wrong, "\n".join(wrong)


def test_no_dead_headers():
    headers = tracked("src/*.h")
    included = set()
    for path in tracked("src/*.h", "src/*.cc", "test/*.cc", "test/*.h", "bench/*.cc"):
        included |= set(re.findall(r'#include "([^"]+)"', path.read_text()))
    dead = [relative(p) for p in headers if str(p.relative_to(ROOT / "src")) not in included]
    assert not dead, f"included nowhere: {dead}"


def test_formats_have_page_and_header():
    """One format, one page, one header of the same stem."""
    pages = {p.stem for p in tracked("docs/formats/*.md")}
    headers = {p.stem.removesuffix("_format") for p in tracked("src/*_format.h")}
    assert not headers - pages, f"formats without a page in docs/formats/: {sorted(headers - pages)}"
