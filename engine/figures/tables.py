"""A table as a page of HTML that needs nothing else: for the report, which shows pages and only links to CSV."""

from html import escape

from engine.figures.claims import COLORS, VERDICT_COLORS

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
    """HTML of a DataFrame; a column with its ends x_low and x_high is shown as value [low, high]."""
    columns = [name for name in table if not is_end(name, table)]
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in columns)
    rows = ("".join(cell(row, name) for name in columns) for row in table.to_dict("records"))
    return PAGE.format(title=escape(title), head=head, body="\n".join(f"<tr>{row}</tr>" for row in rows))


def is_end(name, table):
    """Whether a column is an end of another one's interval."""
    value, _, end = name.rpartition("_")
    return end in ("low", "high") and value in table


def cell(row, name):
    """One value of a row."""
    value = row[name]
    if isinstance(value, int):
        return f'<td class="number">{value}</td>'
    if isinstance(value, float):
        ends = [row.get(f"{name}_{end}", float("nan")) for end in ("low", "high")]
        return f'<td class="number">{number(value)}{interval(*ends)}</td>'
    color = WORDS.get(value)
    style = f' style="color: {color}; font-weight: bold"' if color and color.startswith("#") else ""
    kind = ' class="short"' if len(str(value)) < 25 else ""
    return f"<td{kind}{style}>{escape(str(value))}</td>"


def number(value):
    """Three digits; nothing where there is no value."""
    return "" if value != value else f"{value:.3g}"


def interval(low, high):
    return "" if low != low or high != high else f" [{number(low)}, {number(high)}]"
