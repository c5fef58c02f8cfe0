"""The speed of the engine beside what people use now, in one run of one thread on one core: `make bench`.

Ratios are peer / engine within a round, in which all run one after the other; shown are the median over the rounds and
the quartiles. The table is printed, and written to benchmarks/results/cpu.md and cpu.json.
"""

import one_core  # noqa: F401  before all else, since it sets the number of threads

# isort: split
import argparse
import json

import exponents
import measuring
import torch
import updates
from problem import CELLS, OTHERS
from report import RESULTS, about, table

SECTIONS = (
    {
        "Training updates, T = 80": lambda: [row for name in CELLS for row in updates.rows(name, 80)],
        "Training updates, T = 120": lambda: [row for name in (*CELLS, *OTHERS) for row in updates.rows(name, 120)],
        "Training": updates.training_rows,
    }
    | measuring.SECTIONS
    | exponents.SECTIONS
)


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    torch.set_num_threads(1)
    where = about("numpy", "scipy", "numba", "torch", "jax")
    text = "".join(f"- {key}: {value}\n" for key, value in where.items())
    print(text, flush=True)
    numbers = {}
    for section, measure in SECTIONS.items():
        rows = measure()
        numbers[section] = [vars(row) for row in rows]
        text += table(section, rows)
        print(table(section, rows), flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cpu.md").write_text(f"# Speed on one core of a CPU\n\n{text}", encoding="utf-8")
    (RESULTS / "cpu.json").write_text(json.dumps(where | {"results": numbers}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
