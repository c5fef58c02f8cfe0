"""Writes a training as NetCDF-4: networks, losses and steps."""

import numpy as np

from engine.results.netcdf import dataset, save
from engine.results.networks import cell_attributes, weight_arrays, weight_coordinates, weight_quantities
from engine.training.held_out import QUANTITIES as HELD_OUT_QUANTITIES
from engine.training.train import QUANTITIES as TRAINING_QUANTITIES
from engine.training.update_statistics import QUANTITIES as STEP_QUANTITIES


def save_training(training, cell, loss, coords, attributes, path):
    """Writes a Training: weights by name over (seed, checkpoint, ...), losses, divergences, redraws and records.

    `loss` is the Loss of its task.
    """
    arrays = weight_arrays(cell, training.parameters)
    arrays |= {name: getattr(training, name) for name in TRAINING_QUANTITIES} | training.records
    outputs = training.parameters.outputs
    quantities = weight_quantities(cell, outputs) | loss_quantities(loss) | STEP_QUANTITIES
    coords = coords | weight_coordinates(cell, outputs) | {"iteration": np.arange(training.loss.shape[1])}
    save(dataset(quantities, arrays, coords, attributes | cell_attributes(cell)), path)


def loss_quantities(loss):
    """{name: Quantity} of the losses during a training, which say what loss it is."""
    return {name: quantity.of(loss) for name, quantity in (TRAINING_QUANTITIES | HELD_OUT_QUANTITIES).items()}
