"""Links and file names in the documents lead somewhere."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"`((?:src|test|bench|docs|cmake)/[\w./-]+\.(?:h|cc|md|py|js|txt|cmake|json))`")


def documents():
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def anchors(path):
    found = set()
    for line in path.read_text().split("\n"):
        if line.startswith("#"):
            title = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(title.replace(" ", "-"))
    return found


def test_links():
    wrong = []
    for document in documents():
        for target in LINK.findall(document.read_text()):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            path = (document.parent / name).resolve() if name else document
            if not path.exists():
                wrong.append(f"{document.relative_to(ROOT)}: {target}")
            elif anchor and path.suffix == ".md" and anchor not in anchors(path):
                wrong.append(f"{document.relative_to(ROOT)}: no heading for {target}")
    assert not wrong, "\n".join(wrong)


def test_files_that_documents_name():
    wrong = []
    for document in documents():
        if document.name == "CHANGELOG.md":
            continue
        wrong += [f"{document.relative_to(ROOT)}: {name}" for name in NAMED_FILE.findall(document.read_text())
                  if not (ROOT / name).exists()]
    assert not wrong, "\n".join(wrong)
