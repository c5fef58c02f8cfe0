# From config/config.yaml to the figures: train -> measure -> draw. `snakemake --cores 2` makes everything.
from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/expansion.smk"
include: "workflow/rules/effective_lr.smk"
include: "workflow/rules/anisotropy.smk"
include: "workflow/rules/differences.smk"
include: "workflow/rules/gates.smk"
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
        targets.figures(config),
        targets.tables(config),
        [file for measured in NETWORKS.values() for file in measured.values()],
