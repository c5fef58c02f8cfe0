"""What the files of a run are called, and what they hold, in words."""

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of file of what is measured. A rule makes it; the line in FILES does all else."""

    path: str  # below results/{run}/, without .nc
    holds: str  # in words, for the index of the run and docs/files.md
    experiment: str | None = None  # each of whose networks has such a file; None where something else asks for it
    in_blocks: bool = True  # whether `seeds_per_job` applies
    page: str = "docs/files.md"  # where the files are explained


# The first kind of a folder says what the folder holds.
FILES = {
    "training": Kind(
        "training/{experiment}/{data}/{task}/{cell}-{optimizer}",
        "Networks at their checkpoints, and how they were trained.",
    ),
    "expansion": Kind("expansion/{cell}", "First-order expansion of the product of Jacobians (Figures 1 and 2)."),
    "effective_lr": Kind(
        "effective_lr/{data}/{task}/{cell}",
        "Effective learning rates by lag, and what predicts them (Figures 3 to 5).",
        experiment="effective_lr",
    ),
    "anisotropy": Kind(
        "anisotropy/{data}/{task}/{cell}-{optimizer}",
        "Anisotropy of propagation and updates (Figures 6 to 10).",
        experiment="anisotropy",
    ),
    "gates": Kind(
        "gates/{experiment}/{data}/{task}/{cell}-{optimizer}",
        "Gates as optimizers, time scales, alignment (Table 1, claims).",
    ),
    "lyapunov": Kind(
        "lyapunov/{experiment}/{data}/{task}/{cell}-{optimizer}", "Lyapunov exponents along sequences of the task."
    ),
    "autonomous": Kind("lyapunov/autonomous/{autonomous}", "Lyapunov exponents of an untrained network without input."),
    "steps": Kind(
        "steps/{data}/{task}/{cell}-{optimizer}",
        "Gate products beside the steps of adaptive optimizers.",
        in_blocks=False,
    ),
    "differences": Kind(
        "differences/{data}/{task}/{cell}-{optimizer}",
        "What the author's released code computes instead.",
        in_blocks=False,
        page="docs/differences.md",
    ),
    "slopes": Kind(
        "differences/{data}/{task}/slope_{cell}",
        "The slope with the released code's power iteration, guards and predictors.",
        in_blocks=False,
    ),
    "differences_training": Kind(
        "differences/training/{data}/{task}/{cell}-{optimizer}",
        "The anisotropy after a training with the released code's jitter, around an update.",
        in_blocks=False,
    ),
    "networks": Kind(
        "networks/{network}/{quantity}",
        "Networks of one's own, imported and measured.",
        in_blocks=False,
        page="docs/own-networks.md",
    ),
    "weights": Kind(
        "networks/{network}/weights",
        "An imported network. The files of its measurements are like those above.",
        in_blocks=False,
    ),
}

# What is drawn: below results/{run}/figures/, without .pdf and .png.
FIGURES = {
    "expansion": "expansion/{cell}",
    "effective_lr": "effective_lr/{data}/{task}/{cell}",
    "predictors": "predictors/{data}/{task}",
    "unit_rates": "unit_rates/{data}/{task}/{cell}",
    "anisotropy": "anisotropy/{task}",
    "gates": "gates/{data}/{page}",
    "time_scales": "time_scales/{data}/{page}",
    "coupling": "coupling/{data}",
    "alignment": "alignment/{data}/{task}",
    "steps": "steps/{data}/{model}",
    "shares": "shares/{data}",
    "means": "means/{data}/{task}",
    "claims": "claims",
    "long_lags": "long_lags/{data}/{task}",
    "networks": "networks",
}
SHOW = {
    "expansion": "first-order expansion",
    "effective_lr": "effective rates by lag",
    "predictors": "what predicts them",
    "unit_rates": "rates of single units",
    "anisotropy": "anisotropy of propagation and updates",
    "gates": "what is carried over the lags",
    "time_scales": "time scales of states and parameters",
    "coupling": "coupling of the time scales",
    "alignment": "alignment and updates",
    "steps": "multi gate beside Adam",
    "shares": "gate or optimizer: shares",
    "means": "gate or optimizer: means",
    "claims": "every case with its interval",
    "long_lags": "how soon finite lags reach their limit",
    "networks": "side by side",
}
PAPER_FIGURES = (  # in the paper's order
    "expansion/scalar",
    "expansion/multi",
    "effective_lr/fresh/adding/leaky",
    "effective_lr/fresh/adding/scalar",
    "effective_lr/fresh/adding/multi",
    "anisotropy/adding",
    "anisotropy/ar2",
    "anisotropy/movingavg",
    "anisotropy/delaysum",
    "anisotropy/narma10",
)
