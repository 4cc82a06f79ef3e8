#!/usr/bin/env python3
"""Writes the public corpora as corpora_test reads them: one line a literal, its fields in base64 so that scanners of secrets stay quiet.

    read_corpora.py OUT --gitleaks DIR --secretlint DIR --presidio DIR

DIR are working copies of those projects (each under the MIT licence). README.md says what is read and how to fetch it."""

import argparse
import base64
import collections
import pathlib

import read_gitleaks
import read_tables


def line_of(record):
    flags = ("+" if record["positive"] else "-") + ("k" if record["keyed"] else "")
    coded = [base64.b64encode(record[f].encode("utf-8", "surrogatepass")).decode() for f in ("text", "secret")]
    return "\t".join([record["corpus"], record["rule"], flags, *coded])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    for name in ("gitleaks", "secretlint", "presidio"):
        parser.add_argument(f"--{name}")
    options = parser.parse_args()
    records = []
    for folder, read in ((options.gitleaks, read_gitleaks.read), (options.secretlint, read_tables.read_secretlint),
                         (options.presidio, read_tables.read_presidio)):
        if folder:
            records.extend(r for r in read(folder) if r["secret"] or not r["positive"])
    lines = dict.fromkeys(line_of(r) for r in records)
    pathlib.Path(options.out).write_text("\n".join(lines) + "\n", encoding="ascii")
    for key, count in sorted(collections.Counter((r["corpus"], r["positive"]) for r in records).items()):
        print(f"{key[0]}: {count} {'positive' if key[1] else 'negative'} literals")


if __name__ == "__main__":
    main()
