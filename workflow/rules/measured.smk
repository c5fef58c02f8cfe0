# What a run measures and tells: the names of its files, from the configuration.
from workflow import networks as own

RELEASED = ("plain", "leaky", "scalar", "multi")  # cells that the released code has
NETWORKS = config["networks"] if "networks" in config["experiments"] else {}


def models(experiment):
    """Models that an experiment trains."""
    block = config[experiment]
    return block["models"] if "models" in block else [f"{cell}-{block['optimizer']}" for cell in block["cells"]]


def gate_files():
    """Every measured model and task: those of `anisotropy`, and of `effective_lr` what the former does not have."""
    fresh = [model for model in models("effective_lr") if model not in models("anisotropy")]
    return [
        f"{RESULTS}/gates/{experiment}/{task}/{model}.nc"
        for experiment, found in (("anisotropy", models("anisotropy")), ("effective_lr", fresh))
        if experiment in config["experiments"]
        for task in config[experiment]["tasks"]
        for model in found
    ]


def step_files():
    """Gate products of the compared models beside the steps of the reference models."""
    tasks = config["anisotropy"]["tasks"] if "anisotropy" in config["experiments"] else []
    return expand(f"{RESULTS}/steps/{{task}}/{{model}}.nc", task=tasks, model=config["gates"]["compared"])


def released(models):
    """Those of some models, or cells, whose cell the released code has."""
    return [m for m in models if cell_settings(config, m.partition("-")[0], inputs=1)["kind"] in RELEASED]


def evidence():
    """Every file of this run that a claim may read."""
    asked, files = config["experiments"], []
    if "anisotropy" in asked:
        a = config["anisotropy"]
        folders = ["training/anisotropy", "anisotropy"]
        files += expand(
            f"{RESULTS}/{{folder}}/{{task}}/{{model}}.nc", folder=folders, task=a["tasks"], model=a["models"]
        )
    if "effective_lr" in asked:
        e = config["effective_lr"]
        files += expand(f"{RESULTS}/effective_lr/{{task}}/{{cell}}.nc", task=e["tasks"], cell=e["cells"])
    if "expansion" in asked:
        files += expand(f"{RESULTS}/expansion/{{cell}}.nc", cell=config["expansion"]["cells"])
    return files + gate_files() + step_files()


def network_files():
    """Every measurement of every network under `networks`, and the figure of all of them."""
    measured = expand(f"{RESULTS}/networks/{{network}}/{{quantity}}.nc", network=NETWORKS, quantity=own.PROTOCOLS)
    return measured + (figure("networks") if NETWORKS else [])


def recorded(wildcards):
    """The file with the network's own sequences, where it has one."""
    return config["networks"][wildcards.network].get("data", [])
