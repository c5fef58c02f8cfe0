"""Trains one model as the released code does, a jitter between repeated batches, and measures it around an update."""

from engine.common.backend import find_device
from engine.measures.anisotropy import QUANTITIES, measure
from engine.measures.differences import JITTER
from engine.network.ensemble import Networks
from engine.results.netcdf import dataset, save
from engine.results.trainings import loss_quantities
from engine.tasks import make_task
from engine.training.train import train
from engine.verdicts.differences import OF_A_NETWORK
from workflow.job import attributes, start
from workflow.parts import build_cell, build_optimizer

start(snakemake)
params, task = snakemake.params, make_task(snakemake.wildcards.task)
device = find_device(snakemake.resources.get("gpu", 0))
cell = build_cell(params.cell)
rule, rate = build_optimizer(params.optimizer, params.training["updates"])
checkpoints = tuple(sorted({k + later for k in params.checkpoints for later in (0, 1)}))
settings = params.training | {"updates": checkpoints[-1], "checkpoints": checkpoints, "jitter": JITTER}
training = train(cell, rule, rate, task, params.seeds, **settings, device=device)
networks = Networks(cell, training.parameters, tuple(params.seeds), checkpoints)
found = measure(networks, task, **params.protocol, device=device) | training.records | {"loss": training.loss}
arrays = {name: found[name] for name in (*OF_A_NETWORK, "loss", "probe_loss")}
coords = {"seed": params.seeds, "checkpoint": checkpoints, "lag": params.protocol["lags"]}
coords |= {"iteration": range(training.loss.shape[1])}
title = f"Training of the released code: {cell.name} with {rule.name} on {task}, checkpoints before and after an update"
about = attributes(snakemake, title, params.training["dtype"], device)
save(dataset(QUANTITIES | loss_quantities(task.loss), arrays, coords, about), snakemake.output[0])
