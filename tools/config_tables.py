"""Writes headings and tables of config/README.md from the descriptions in the schema: python -m tools.config_tables"""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
PAGE, SCHEMA = ROOT / "config" / "README.md", ROOT / "workflow" / "schemas" / "config.schema.yaml"

TABLE = re.compile(r"(^\| key \| meaning \|\n\| --- \| --- \|\n)((?:\|.*\n)*)", re.MULTILINE)
HEADING = re.compile(r"^### `(\w+)`.*$", re.MULTILINE)


def keys(schema, prefix=""):
    """(dotted key, description) of all that a schema describes; * stands for names that the user chooses."""
    for name, part in schema.get("properties", {}).items():
        if "description" in part:
            yield f"{prefix}{name}", part["description"]
        yield from keys(part, f"{prefix}{name}.")
        if isinstance(part.get("additionalProperties"), dict):
            yield from keys(part["additionalProperties"], f"{prefix}{name}.*.")


def with_tables(text, schema):
    """The page with its headings and tables anew: a table has the keys of the block above it, the first all others."""
    described, headings = dict(keys(schema)), HEADING.findall(text)
    tables = [(HEADING.findall(text, 0, table.start()) or [""])[-1] for table in TABLE.finditer(text)]
    rows = dict.fromkeys(tables, "")
    for key, description in described.items():
        block = key.partition(".")[0]
        if key not in headings:
            rows[block if block in rows else ""] += f"| `{key}` | {description} |\n"
    made = iter(rows.values())
    text = TABLE.sub(lambda table: table[1] + next(made), text)
    return HEADING.sub(lambda heading: f"### `{heading[1]}`: {described[heading[1]]}", text)


if __name__ == "__main__":
    page = with_tables(PAGE.read_text(encoding="utf-8"), yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))
    PAGE.write_text(page, encoding="utf-8")
