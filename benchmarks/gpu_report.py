"""One JSON and one Markdown file of what benchmarks/gpu.sh ran: its folder of logs and that of the files are given."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from report import about


def main():
    logs, results = map(Path, sys.argv[1:])
    rows = [line.split("\t") for line in (logs / "parts.tsv").read_text(encoding="utf-8").splitlines()]
    parts = [
        {
            "part": name,
            "status": int(status),
            "seconds": int(seconds),
            "output": (logs / f"{name}.txt").read_text(encoding="utf-8", errors="replace"),
        }
        for name, status, seconds in rows
    ]
    where = about("numpy")
    lines = ["# One run of all that needs a GPU", "", *(f"- {key}: {value}" for key, value in where.items())]
    for part in parts:
        word = "done" if part["status"] == 0 else f"failed with status {part['status']}"
        lines += ["", f"## {part['part']}: {word} in {part['seconds']} s", "", "```", part["output"].strip(), "```"]
    paper = logs / "paper.json"
    by_rule = json.loads(paper.read_text(encoding="utf-8")) if paper.exists() else None
    (results / "gpu_run.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    whole = where | {"paper": by_rule, "parts": parts}
    (results / "gpu_run.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    print(results / "gpu_run.md")


if __name__ == "__main__":
    main()
