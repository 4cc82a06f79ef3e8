"""The benchmark's table in Markdown, ratios first, and where it goes."""

import pathlib

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
PEERS = ("duckdb", "clickhouse", "chdb")
TARGETS = {"funnel_3": 20, "retention": 20, "actives": 20, "segments": 3, "top_20": 3}


def milliseconds(results, name):
    return f"{results[name]['seconds'] * 1000:,.1f} ms" if name in results else "–"


def render(all_results, questions, events, machine, differences):
    own, facts = all_results.get("bulkhead", ({}, {}))
    peers = [name for name in PEERS if name in all_results]
    versions = {name: all_results[name][1].get("version", "") for name in peers}
    lines = [f"{events:,} events, warm, median, two threads each, same run ({machine}). The ratio is against the fastest peer.", "",
             "| question | faster by | target | Bulkhead | " + " | ".join(f"{n} {versions[n]}".strip() for n in peers) + " |",
             "|---|---|---|---|" + "---|" * len(peers)]
    for name, question in questions.items():
        seconds = [all_results[p][0][name]["seconds"] for p in peers if name in all_results[p][0]]
        ratio = f"**{min(seconds) / own[name]['seconds']:.1f}×**" if name in own and seconds else "–"
        target = f"{TARGETS[name]}×" if name in TARGETS else ""
        cells = [milliseconds(own, name)] + [milliseconds(all_results[p][0], name) for p in peers]
        lines.append(f"| {question['title']} | {ratio} | {target} | " + " | ".join(cells) + " |")
    lines += [""] + own_figures(own, facts, events) + peer_figures(all_results, peers, events)
    lines += ["", "All engines gave the same answers." if not differences else
              "Answers differ:\n" + "\n".join(f"- {d}" for d in differences)]
    return "\n".join(lines)


def own_figures(own, facts, events):
    if not facts:
        return []
    load, sizes = facts["load"], facts["sizes"]
    lines = ["| Bulkhead | measured | target |", "|---|---|---|",
             f"| import of JSON over HTTP, sieved, durable | {load['events_per_s']:,.0f} events/s | ≥ 200,000 |",
             f"| all of it queryable after the last 200 | {load['visible_s']:.2f} s | < 1 s |",
             f"| on disk, store | {sizes['store'] / events:.1f} bytes/event | ≤ 12 |",
             f"| log not yet trimmed | {sizes['log'] / events:.1f} bytes/event | |",
             f"| memory idle, empty | {facts['idle_rss'] / 1e6:,.0f} MB | < 150 |",
             f"| memory after a restart with the events | {facts['started_rss'] / 1e6:,.0f} MB | |",
             f"| memory serving these questions | {facts['rss'] / 1e6:,.0f} MB | < 1,500 |",
             f"| memory at its highest while importing | {facts['loading_rss'] / 1e6:,.0f} MB | |",
             f"| restart until ready | {facts['restart_s']:.2f} s | < 1 s |"]
    if "funnel_3" in own and "funnel_30" in own:
        for few, what in (("funnel_3", "3 steps of rare events"), ("funnel_3_frequent", "3 steps of its own events")):
            ratio = own["funnel_30"]["seconds"] / own[few]["seconds"]
            lines.append(f"| 30-step funnel against {what} | {ratio:.1f}× | ≤ 2× |")
    return lines


def peer_figures(all_results, peers, events):
    if not peers:
        return []
    lines = ["", "| peer | on disk, bytes/event | memory | load |", "|---|---|---|---|"]
    for name in peers:
        facts = all_results[name][1]
        lines.append(f"| {name} | {facts['disk'] / events:.1f} | {facts['rss'] / 1e6:,.0f} MB | "
                     f"{events / facts['load_s']:,.0f} events/s from CSV |")
    return lines


def write(root, text):
    for path in (pathlib.Path(root) / "README.md", pathlib.Path(root) / "docs" / "benchmarks.md"):
        if not path.exists():
            continue
        before, rest = path.read_text().split(BEGIN, 1)
        after = rest.split(END, 1)[1]
        path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
