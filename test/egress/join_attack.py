#!/usr/bin/env python3
"""Joins what two vendors received, as whoever has both sets would: which person of one is which person of the other?

    join_attack.py FIRST.ndjson SECOND.ndjson     the pairs it believes in, and how surely

A set is a list of messages as a vendor got them, in the order in which it got them: {"id", "event", "time", "person", "properties"} and, where it
is known, "received": the second in which it came. Nothing else is used: no key, and nothing that only the sender knows. Each way of joining turns a person into weighted features; a pair scores what both
share over what both have, a feature weighing the more the fewer persons have it. So rare values and rare moments decide, as they would for a
human, and ties show as ties."""

import bisect
import collections
import itertools
import json
import math
import sys

MOST_SHARED = 0.34  # a feature that more than this share of persons have says next to nothing


def persons_of(messages):
    found = collections.defaultdict(list)
    for message in messages:
        if message.get("person"):
            found[message["person"]].append(message)
    return found


def day_of(message):
    return message["time"][:10]


def by_ids(messages):
    """Every text of the message that could be an id or a token of one."""
    for message in messages:
        yield message["person"]
        yield message["id"]
        for value in message["properties"].values():
            if isinstance(value, str) and len(value) >= 16:
                yield value


def by_times(messages):
    for message in messages:
        yield message["time"]
        yield message["event"], message["time"]
        yield message["time"][:16]  # the minute: other events of the same visit
        yield message["time"][:15]


def by_values(messages):
    for message in messages:
        for name, value in message["properties"].items():
            yield name, json.dumps(value)
            yield name, json.dumps(value), message["event"], day_of(message)


def by_behaviour(messages):
    """Which days, how often on each, what, and what after what."""
    days = collections.Counter(day_of(message) for message in messages)
    events = collections.Counter((day_of(message), message["event"]) for message in messages)
    yield "total", len(messages)
    yield "first", min(days)
    yield "last", max(days)
    for day, count in days.items():
        yield "day", day
        yield "day", day, count
    for (day, event), count in events.items():
        yield "event", day, event
        yield "event", day, event, count
    for day, those in itertools.groupby(messages, key=day_of):
        yield "sequence", day, tuple(message["event"] for message in those)


def by_days(messages):
    """On which days at all: what is left to compare where the events differ."""
    for day in {day_of(message) for message in messages}:
        yield day


def by_receipt(messages):
    """When each came, whatever its own time was made of."""
    for message in messages:
        if "received" in message:
            yield "second", message["received"]
            yield "minute", message["received"] // 60  # other events of the same visit
            yield "second", message["received"], message["event"]


CONTENT = {"ids": by_ids, "times": by_times, "values": by_values, "behaviour": by_behaviour, "days": by_days}
WAYS = {**CONTENT, "receipt": by_receipt}


def features(messages, ways):
    return {person: {(way, feature) for way in ways for feature in WAYS[way](those)} for person, those in persons_of(messages).items()}


def holders(persons):
    index = collections.defaultdict(list)
    for person, those in persons.items():
        for feature in those:
            index[feature].append(person)
    return index


def best_matches(first, second, ways):
    """{person of first: (persons of second that score best, their score)}; no one who shares nothing."""
    ours, theirs = features(first, ways), features(second, ways)
    index = holders(theirs)
    limit = max(2.0, MOST_SHARED * len(theirs))
    weight = {feature: math.log(1 + len(theirs) / len(those)) for feature, those in index.items() if len(those) <= limit}
    total = {person: sum(weight.get(feature, 0) for feature in those) for person, those in theirs.items()}
    # What nobody over there has counts against every candidate alike: as much as the rarest.
    rarest = math.log(1 + len(theirs))
    matches = {}
    for person, those in ours.items():
        shared = collections.Counter()
        own = 0.0
        for feature in those:
            if feature in weight:
                own += weight[feature]
                for candidate in index[feature]:
                    shared[candidate] += weight[feature]
            elif feature not in index:
                own += rarest
        scores = {candidate: 2 * common / (own + total[candidate]) for candidate, common in shared.items()}
        if scores:
            best = max(scores.values())
            matches[person] = ([candidate for candidate, score in scores.items() if score >= best - 1e-9], best)
    return matches


def match_by_order(first, second):
    """The n-th message of an event here is the n-th of that event there, where both got as many of it: each such pair is a vote."""
    def sequences(messages):
        found = collections.defaultdict(list)
        for message in messages:
            found[message["event"]].append(message.get("person"))
        return found

    votes = collections.defaultdict(collections.Counter)
    ours, theirs = sequences(first), sequences(second)
    for event in ours.keys() & theirs.keys():
        if len(ours[event]) == len(theirs[event]):
            for one, other in zip(ours[event], theirs[event], strict=True):
                if one and other:
                    votes[one][other] += 1
    return {person: ([candidate], count / sum(those.values())) for person, those in votes.items() for candidate, count in those.most_common(1)}


def match_by_succession(first, second, within=900):
    """Who falls silent here and is heard of there in the next moments, with the values that people keep: a device whose user signs in."""
    last = {person: max(those, key=lambda one: one["received"]) for person, those in persons_of(first).items()}
    theirs = sorted((message for message in second if message.get("person")), key=lambda one: one["received"])
    times = [message["received"] for message in theirs]
    matches = {}
    for person, message in last.items():
        begin = bisect.bisect_left(times, message["received"])
        scores = {}
        for candidate in theirs[begin:bisect.bisect_right(times, message["received"] + within)]:
            alike = sum(message["properties"].get(name) == value for name, value in candidate["properties"].items())
            scores.setdefault(candidate["person"], (alike, message["received"] - candidate["received"]))
        if scores:
            best = max(scores.values())
            matches[person] = ([candidate for candidate, score in scores.items() if score == best], best[0])
    return matches


def shared_ids(first, second):
    """Ids and tokens that stand in both sets: one is enough to join by."""
    return set(by_ids(first)) & set(by_ids(second))


def share_joined(matches, truth):
    """Of the persons who are in both sets (`truth`, known for scoring alone), how many are joined to who they are, a tie counted as one guess."""
    right = sum(1 / len(matches[person][0]) for person, other in truth.items() if person in matches and other in matches[person][0])
    return right / len(truth) if truth else 0.0


def main():
    sets = []
    for path in sys.argv[1:3]:
        with open(path, encoding="utf-8") as lines:
            sets.append([json.loads(line) for line in lines])
    print(f"{len(shared_ids(*sets))} ids or tokens stand in both", file=sys.stderr)
    for name, matches in (("order", match_by_order(*sets)), ("all", best_matches(*sets, WAYS))):
        for person, (candidates, score) in sorted(matches.items(), key=lambda item: -item[1][1]):
            print(f"{name} {person} {' '.join(candidates)} {score:.3f}")


if __name__ == "__main__":
    main()
