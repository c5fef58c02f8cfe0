"""Tables as Markdown."""

from tabulate import tabulate


def table(rows, columns=None):
    """Rows (dicts) as a Markdown table of the columns named, by default all; numbers with three digits."""
    columns = list(columns or rows[0])
    lines = [[cell(row[name]) for name in columns] for row in rows]
    return tabulate(lines, columns, tablefmt="github", disable_numparse=True) + "\n"


def cell(value):
    """A value as text, with its `|` escaped."""
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("|", r"\|")
