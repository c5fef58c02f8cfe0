# From config/config.yaml to the figures: train -> measure -> draw. `snakemake --cores 2` makes everything.
import os
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

# This repository, as seen from the working directory: another one where `--directory` or another workflow chooses it.
ROOT = Path(os.path.relpath(workflow.current_basedir.get_path_or_uri(secret_free=True)))


configfile: ROOT / "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/expansion.smk"
include: "workflow/rules/effective_lr.smk"
include: "workflow/rules/anisotropy.smk"
include: "workflow/rules/differences.smk"
include: "workflow/rules/gates.smk"
include: "workflow/rules/lyapunov.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/figures_gates.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/networks.smk"


if len(BLOCKS) > 1:

    include: "workflow/rules/join.smk"


rule all:
    default_target: True
    input:
        targets.everything(config),
        rules.index.output,
