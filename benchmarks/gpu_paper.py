"""The engine's part of the 20-seed paper on a GPU, by rule, without Snakemake and without files.

Trains and measures all that config/config.yaml asks for, one job after the other, and prints seconds and jobs by rule,
also as JSON in the file that --json names. A job that fails is named, and the next one runs. With --dry it runs on the
CPU, with two seeds and few, short sequences: what it says of time then means nothing.
"""

import argparse
import json
import sys
import time
import traceback
from collections import defaultdict
from functools import partial
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import yaml

from engine.common.backend import CPU, find_device
from engine.measures import anisotropy, differences, differences_slope, effective_lr, expansion, gates
from engine.network.ensemble import Networks
from engine.training.train import train
from workflow.parts import build_cell, build_optimizer, cell_settings, optimizer_settings

CONFIG = yaml.safe_load((Path(__file__).parent.parent / "config" / "config.yaml").read_text(encoding="utf-8"))
DRY = {"T": 48, "batch": 8, "updates": 3, "checkpoints": [0, 3], "probe_batch": 4, "pairs": 4, "gradients": 12}


def shrunk(config):
    """The same jobs, each as small as its lags allow."""
    small = config | {"seeds": config["seeds"][:2], "units": 12, "data": {"one_batch": {"sequences": 8}, "fresh": {}}}
    for name in ("effective_lr", "anisotropy", "gates", "expansion", "differences"):
        block = config[name]
        small[name] = block | {key: value for key, value in DRY.items() if key in block}
    small["differences"] |= {"seeds": 2, "checkpoints": [3], "training_checkpoints": [0], "slope_checkpoints": [0]}
    return small


def some(block, *keys):
    return {key: block[key] for key in keys}


class Paper:
    """The jobs of a configuration on a device: methods yield (rule, a call)."""

    def __init__(self, config, device):
        self.config, self.device, self.trained = config, device, {}

    def jobs(self):
        """All of them, in an order in which each finds the networks that it measures."""
        a, e = self.config["anisotropy"], self.config["effective_lr"]
        for data, task, cell in product(e["data"], e["tasks"], e["cells"]):
            network = "effective_lr", data, task, f"{cell}-{e['optimizer']}"
            yield "training", partial(self.train, *network)
            yield "effective_lr", partial(self.effective_lr, *network)
            if cell == "leaky":
                yield "gates", partial(self.gates, *network)
        for data, task, model in product(a["data"], a["tasks"], a["models"]):
            network = "anisotropy", data, task, model
            yield "training", partial(self.train, *network)
            yield "anisotropy", partial(self.anisotropy, *network)
            yield "gates", partial(self.gates, *network)
        yield from self.departures()
        for cell in self.config["expansion"]["cells"]:
            yield "expansion", partial(self.expansion, cell)

    def departures(self):
        d, a, e = (self.config[name] for name in ("differences", "anisotropy", "effective_lr"))
        for task, model in product(d["tasks"], d["models"]):
            yield "differences", partial(self.differences, "anisotropy", a["data"][0], task, model)
        for task, cell in product(d["slope_tasks"], e["cells"]):
            yield "differences", partial(self.slope, "effective_lr", e["data"][0], task, f"{cell}-{e['optimizer']}")

    def parts(self, experiment, model):
        block = self.config[experiment]
        cell, optimizer = model.split("-")
        cell = build_cell(cell_settings(self.config, cell, block["inputs"]))
        return cell, *build_optimizer(optimizer_settings(self.config, optimizer), block["updates"])

    def train(self, experiment, data, task, model):
        cell, rule, rate = self.parts(experiment, model)
        sizes = some(self.config[experiment], "T", "batch", "updates", "checkpoints", "probe_batch")
        seeds = self.config["seeds"]
        found = train(cell, rule, rate, task, seeds, **sizes, **self.config["data"][data], device=self.device)
        networks = Networks(cell, found.parameters, tuple(seeds), tuple(sizes["checkpoints"]))
        self.trained[experiment, data, task, model] = networks

    def effective_lr(self, *network):
        e = self.config["effective_lr"]
        rate = self.config["optimizers"][e["optimizer"]]["rate"]
        sizes = some(e, "T", "probe_batch")
        effective_lr.measure(self.trained[network], network[2], rate=rate, **sizes, device=self.device)

    def anisotropy(self, *network):
        a = self.config["anisotropy"]
        sizes = some(a, "T", "probe_batch", "lags", "pairs", "gradients")
        anisotropy.measure(self.trained[network], network[2], r=a["rank"], **sizes, device=self.device)

    def gates(self, *network):
        g, T = self.config["gates"], self.config[network[0]]["T"]
        sizes = some(g, "probe_batch", "samples", "lags")
        gates.measure(self.trained[network], network[2], T=T, r=g["rank"], **sizes, device=self.device)

    def differences(self, *network):
        a = self.config["anisotropy"]
        sizes = some(a, "T", "probe_batch", "lags", "pairs")
        differences.measure(self.few(network, "checkpoints"), network[2], r=a["rank"], **sizes, device=self.device)

    def slope(self, *network):
        sizes = some(self.config["effective_lr"], "T", "probe_batch")
        few = self.few(network, "slope_checkpoints")
        differences_slope.measure(few, network[2], **sizes, device=self.device)

    def few(self, network, key):
        """The networks of the seeds and checkpoints that the differences are about."""
        d, all_of_them = self.config["differences"], self.trained[network]
        found = all_of_them.at(tuple(d[key]))
        parameters = type(found.parameters)(*(p[:, : d["seeds"]] for p in found.parameters))
        return found._replace(parameters=parameters, seeds=found.seeds[: d["seeds"]])

    def expansion(self, name):
        x = self.config["expansion"]
        cell = build_cell(cell_settings(self.config, name, x["inputs"]))
        sizes = some(x, "T", "weight_scale", "noise", "epsilons")
        expansion.measure_untrained(cell, self.config["seeds"], **sizes, device=self.device)


def run(jobs, limit, save):
    """{rule: {"jobs", "failed", "seconds"}}, saved after each job, and whether time ended before the jobs did."""
    found, began = defaultdict(lambda: {"jobs": 0, "failed": 0, "seconds": 0.0}), time.perf_counter()
    for rule, job in jobs:
        start = time.perf_counter()
        if start - began > limit:
            return found, True
        of_rule = found[rule]
        try:
            job()
        except Exception:
            traceback.print_exc()
            of_rule["failed"] += 1
        of_rule["jobs"] += 1
        of_rule["seconds"] += time.perf_counter() - start
        save(found)
    return found, False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--limit", type=float, default=200, help="seconds after which no further job begins")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    device = CPU if asked.dry else find_device(1)

    def save(rules):
        if asked.json:
            text = json.dumps({"device": device.name, "rules": rules}, indent=1)
            asked.json.write_text(text + "\n", encoding="utf-8")

    rules, stopped = run(Paper(shrunk(CONFIG) if asked.dry else CONFIG, device).jobs(), asked.limit, save)
    for rule, of_rule in rules.items():
        print(f"{rule:14s} {of_rule['jobs']:3d} jobs {of_rule['seconds']:7.1f} s {of_rule['failed']:2d} failed")
    print(
        f"{'all':14s} {sum(of['seconds'] for of in rules.values()):16.1f} s{', stopped by --limit' if stopped else ''}"
    )
    return int(stopped or any(of["failed"] for of in rules.values()))


if __name__ == "__main__":
    sys.exit(main())
