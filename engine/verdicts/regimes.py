"""Verdicts side by side for networks trained on different data."""

from engine.common.words import data_label
from engine.verdicts.claims import MIXED, NOT_MEASURED, NOT_SUPPORTED, SUPPORTED, SUPPORTED_WHERE_MEASURED

STRENGTH = {NOT_SUPPORTED: 0, MIXED: 1, SUPPORTED_WHERE_MEASURED: 2, SUPPORTED: 2}
KEYS = ("claim", "sentence", "command")


def side_by_side(verdicts, memorised):
    """One row a claim from {data: rows of verdicts of claims.evaluate}: its verdicts, their comparison, their counts.

    `memorised` names the data that repeat the same sequences.
    """
    rows = []
    for of in zip(*verdicts.values(), strict=True):
        of = dict(zip(verdicts, of, strict=True))
        first = next(iter(of.values()))
        said = {data: row["verdict"] for data, row in of.items()}
        counts = {
            f"{name}_{data}": row[name] for data, row in of.items() for name in row if name not in (*KEYS, "verdict")
        }
        rows.append(
            {"claim": first["claim"], "sentence": first["sentence"]}
            | {f"verdict_{data}": verdict for data, verdict in said.items()}
            | {"comparison": comparison(said, memorised), "command": first["command"]}
            | counts
        )
    return rows


def comparison(verdicts, memorised):
    """Comparison of {data: verdict} in words; "" if there is nothing to compare."""
    sides = {True: [], False: []}
    for data, verdict in verdicts.items():
        if verdict != NOT_MEASURED:
            sides[data in memorised].append(STRENGTH[verdict])
    if not all(sides.values()):
        return ""
    memory, fresh = max(sides[True]), max(sides[False])
    if memory == fresh:
        return "the same verdict" + (" where measured" if SUPPORTED_WHERE_MEASURED in verdicts.values() else "")
    some = "" if max(memory, fresh) == STRENGTH[SUPPORTED] else "in some cases "
    more = "in some cases" if min(memory, fresh) else "not"
    if memory > fresh:
        return f"holds {some}only where the network has memorised its training set; {more} with fresh data"
    return f"holds {some}with fresh data; {more} where the network has memorised its training set"


def in_words(row, data):
    """The verdict on one kind of data from a row of `side_by_side`, with its numbers of cases and seeds."""
    verdict = row[f"verdict_{data}"]
    if verdict == NOT_MEASURED:
        return verdict
    holds, cases, lacking = (row[f"{name}_{data}"] for name in ("holds", "cases", "not_measured"))
    rest = f", {lacking} not measured" if lacking else ""
    seeds = f"{row[f'fewest_seeds_{data}']} of {row[f'seeds_{data}']} seeds"
    return f"{verdict} ({holds} of {cases} cases hold{rest}; {seeds})"


def heading(verdicts, sets):
    """A line that describes each of {data: {source: data}}; `sets` is {data: number of sequences}."""
    lines = []
    for data, data_of in verdicts.items():
        on = f"the same {sets[data]} sequences" if data in sets else "new sequences at every update"
        others = [f"`{source}` on {data_label(other)}" for source, other in data_of.items() if other != data]
        lines.append("; ".join([f"- {data_label(data)}: networks trained on {on}", *others]))
    return "\n".join(lines)
