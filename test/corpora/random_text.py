"""A text that a regular expression matches, drawn from a random source: what generators of test secrets do."""

import re

try:
    import re._parser as parser  # since Python 3.11
except ImportError:  # pragma: no cover
    import sre_parse as parser

MORE_THAN_LEAST = 12  # of an open repetition


def matching(pattern, rng):
    return "".join(drawn(parser.parse(re.sub(r"\(\?[ims]+\)", "", pattern)), rng))


def drawn(tree, rng):
    for kind, argument in tree:
        name = str(kind)
        if name == "LITERAL":
            yield chr(argument)
        elif name == "IN":
            yield rng.choice(characters(argument))
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, what = argument
            most = least + MORE_THAN_LEAST if most == parser.MAXREPEAT else most
            for _ in range(rng.randint(least, most)):
                yield from drawn(what, rng)
        elif name == "SUBPATTERN":
            yield from drawn(argument[-1], rng)
        elif name == "BRANCH":
            yield from drawn(rng.choice(argument[1]), rng)
        elif name == "ANY":
            yield rng.choice("abcdefghijklmnopqrstuvwxyz0123456789")
        elif name != "AT":
            raise ValueError(f"no text for {name}")


def characters(parts):
    found = []
    for kind, argument in parts:
        name = str(kind)
        if name == "LITERAL":
            found.append(chr(argument))
        elif name == "RANGE":
            found.extend(chr(c) for c in range(argument[0], argument[1] + 1))
        elif name == "CATEGORY" and str(argument) == "CATEGORY_WORD":
            found.extend("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
        elif name == "CATEGORY" and str(argument) == "CATEGORY_DIGIT":
            found.extend("0123456789")
        else:
            raise ValueError(f"no characters for {name} {argument}")
    return found
