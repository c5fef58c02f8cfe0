"""What a benchmark leaves: rows of a table, and where, when and on what they were measured."""

from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

from engine.common import markdown
from engine.common.machine import machine
from engine.results.provenance import git_state

RESULTS = Path(__file__).parent / "results"


class Row:
    """A line of the table: a quantity over the rounds, and what was to be reached."""

    def __init__(self, what, values, unit="", at_least=None, at_most=None):
        self.what, self.unit, self.at_least, self.at_most = what, unit, at_least, at_most
        self.median, self.low, self.high = (float(q) for q in np.quantile(values, [0.5, 0.25, 0.75]))

    def words(self):
        """{column: text}"""
        aim, reached = "", ""
        if self.at_least is not None:
            aim, reached = f"at least {self.text(self.at_least)}", "yes" if self.median >= self.at_least else "no"
        if self.at_most is not None:
            aim, reached = f"at most {self.text(self.at_most)}", "yes" if self.median <= self.at_most else "no"
        quartiles = f"{self.text(self.low)} to {self.text(self.high)}"
        return {
            "": self.what,
            "median": self.text(self.median),
            "quartiles": quartiles,
            "to reach": aim,
            "reached": reached,
        }

    def text(self, number):
        return f"{number:.1%}" if self.unit == "share" else f"{number:.3g} {self.unit}".strip()


def table(section, rows):
    return f"\n## {section}\n\n" + markdown.table([row.words() for row in rows])


def about(*libraries):
    """Date, machine, commit and library versions."""
    commit, dirty = git_state()
    return {
        "date": date.today().isoformat(),
        "machine": machine(),
        "commit": commit if dirty == "no" else f"{commit}, with changes",
        "libraries": ", ".join(f"{name} {version(name)}" for name in libraries),
    }
