"""A table as a page of HTML for the report, which shows HTML and only links to CSV."""

from html import escape

from engine.figures.claims import COLORS, VERDICT_COLORS
from engine.verdicts.intervals import said

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 13px/1.4 sans-serif; margin: 1.5em; color: #222; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 0.25em 0.7em; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd; }}
th {{ position: sticky; top: 0; background: #fff; border-bottom: 2px solid #222; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
td.number, td.short {{ white-space: nowrap; }}
</style>
</head>
<body>
<h1>{title}</h1>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</body>
</html>
"""
WORDS = VERDICT_COLORS | COLORS


def page(table, title):
    """HTML of a DataFrame; a column x is shown together with x_low, x_high and its other columns (`said`)."""
    columns = [name for name in table if not tells_of_another(name, table)]
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in columns)
    rows = ("".join(cell(row, name) for name in columns) for row in table.to_dict("records"))
    return PAGE.format(title=escape(title), head=head, body="\n".join(f"<tr>{row}</tr>" for row in rows))


def tells_of_another(name, table):
    """Whether a column belongs to another one: an end of its interval, its median, its seeds."""
    value, _, key = name.rpartition("_")
    return key in ("low", "high", "median", "seeds", "unresolved") and value in table


def cell(row, name):
    """One value of a row."""
    value = row[name]
    if isinstance(value, int):
        return f'<td class="number">{value}</td>'
    if isinstance(value, float):
        known = value == value or row.get(f"{name}_unresolved", 0)
        return f'<td class="number">{said(row, name) if known else ""}</td>'
    color = WORDS.get(value)
    style = f' style="color: {color}; font-weight: bold"' if color and color.startswith("#") else ""
    kind = ' class="short"' if len(str(value)) < 25 else ""
    return f"<td{kind}{style}>{escape(str(value))}</td>"
