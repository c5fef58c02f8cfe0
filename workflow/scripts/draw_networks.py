"""Draws all networks of one's own side by side."""

from engine.figures.networks import networks_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
quantities = {name: [load(path) for path in snakemake.input[name]] for name in ("effective_lr", "anisotropy", "gates")}
networks = {
    name: {quantity: datasets[i] for quantity, datasets in quantities.items()}
    for i, name in enumerate(snakemake.params.names)
}
save_figure(networks_figure(networks), snakemake.output)
