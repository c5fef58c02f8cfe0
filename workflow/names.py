"""What the files of a run are called, and what they hold, in words."""

# What is measured: below results/{run}/, without .nc.
FILES = {
    "training": "training/{experiment}/{data}/{task}/{cell}-{optimizer}",
    "expansion": "expansion/{cell}",
    "effective_lr": "effective_lr/{data}/{task}/{cell}",
    "anisotropy": "anisotropy/{data}/{task}/{cell}-{optimizer}",
    "gates": "gates/{experiment}/{data}/{task}/{cell}-{optimizer}",
    "lyapunov": "lyapunov/{experiment}/{data}/{task}/{cell}-{optimizer}",
    "autonomous": "lyapunov/autonomous/{autonomous}",
    "steps": "steps/{data}/{task}/{cell}-{optimizer}",
    "differences": "differences/{data}/{task}/{cell}-{optimizer}",
    "slopes": "differences/{data}/{task}/slope_{cell}",
    "differences_training": "differences/training/{data}/{task}/{cell}-{optimizer}",
    "weights": "networks/{network}/weights",
    "networks": "networks/{network}/{quantity}",
}
HOLD = {
    "training": "Networks at their checkpoints, and how they were trained.",
    "expansion": "First-order expansion of the product of Jacobians (Figures 1 and 2).",
    "effective_lr": "Effective learning rates by lag, and what predicts them (Figures 3 to 5).",
    "anisotropy": "Anisotropy of propagation and updates (Figures 6 to 10).",
    "gates": "Gates as optimizers, time scales, alignment (Table 1, claims).",
    "lyapunov": "Lyapunov exponents along sequences of the task.",
    "autonomous": "Lyapunov exponents of an untrained network without input.",
    "steps": "Gate products beside the steps of adaptive optimizers.",
    "differences": "What the author's released code computes instead.",
    "slopes": "The slope with the released code's power iteration, guards and predictors.",
    "differences_training": "The anisotropy after a training with the released code's jitter, around an update.",
    "weights": "An imported network. The files of its measurements are like those above.",
}

# What is drawn: below results/{run}/figures/, without .pdf and .png.
FIGURES = {
    "expansion": "expansion/{cell}",
    "effective_lr": "effective_lr/{data}/{task}/{cell}",
    "predictors": "predictors/{data}/{task}",
    "anisotropy": "anisotropy/{task}",
    "gates": "gates/{data}/{page}",
    "time_scales": "time_scales/{data}/{page}",
    "coupling": "coupling/{data}",
    "alignment": "alignment/{data}/{task}",
    "steps": "steps/{data}/{model}",
    "shares": "shares/{data}",
    "means": "means/{data}/{task}",
    "claims": "claims",
    "networks": "networks",
}
SHOW = {
    "expansion": "first-order expansion",
    "effective_lr": "effective rates by lag",
    "predictors": "what predicts them",
    "anisotropy": "anisotropy of propagation and updates",
    "gates": "what is carried over the lags",
    "time_scales": "time scales of states and parameters",
    "coupling": "coupling of the time scales",
    "alignment": "alignment and updates",
    "steps": "multi gate beside Adam",
    "shares": "gate or optimizer: shares",
    "means": "gate or optimizer: means",
    "claims": "every case with its interval",
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
