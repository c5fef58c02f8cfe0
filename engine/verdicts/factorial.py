"""[FACTORIAL] The decompositions of config/claims.yaml: gate, optimizer and interaction for every task, as a table."""

from engine.verdicts.claim_cases import cases, check
from engine.verdicts.decomposition import level_means, rows


def table(document, results):
    """Rows of effect sizes, one a source of variance, and rows of marginal means, one a level; dicts.

    `results` are Results of engine.verdicts.claim_cases. Cases with missing parts have no rows.
    """
    check(document)
    effects, means = [], []
    for entry in document.get("decompositions", ()):
        for case in cases(entry, results):
            if case.by_seed is None:
                continue
            of = {"quantity": entry["statistic"], "task": case.task, "chosen": case.chosen}
            of = {"measured_in": entry["source"]} | of
            effects += [of | row for row in rows(case.by_seed)]
            found = level_means(case.by_seed)
            levels = {"gate": results.cells, "optimizer": results.optimizers}
            means += [
                of
                | {
                    "factor": factor,
                    "level": level,
                    "mean": at.value,
                    "low": at.low,
                    "high": at.high,
                    "seeds": at.seeds,
                }
                for factor, intervals in found.items()
                for level, at in zip(levels[factor], intervals, strict=True)
            ]
    return effects, means
