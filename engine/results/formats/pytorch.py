"""Weights of PyTorch's nn.RNN, nn.GRU and nn.LSTM, and of what is arranged like them, as those of our cells."""

import numpy as np

from engine.results.formats.weights import STACKED


def layer_weights(file, kind, suffix):
    """{name in our cell: array} of a layer of PyTorch: weight_hh (gates H, H), weight_ih (gates H, n) and biases."""
    if kind not in STACKED:
        raise ValueError(f"this is a layer of PyTorch, and so no {kind} cell; allowed are {', '.join(STACKED)}")
    recurrent, driven = (file.take(f"weight_{side}{suffix}") for side in ("hh", "ih"))
    biases = [file.find(f"bias_{side}{suffix}") for side in ("ih", "hh")]
    gates, units = STACKED[kind], recurrent.shape[-1]
    rows = len(gates) * units
    if recurrent.shape != (rows, units):
        raise ValueError(
            f"weight_hh{suffix} has shape {recurrent.shape}, expected of {kind} is {(rows, units)}"
            f"{advice_on_shape(recurrent.shape)}"
        )
    if driven.ndim != 2 or len(driven) != rows:
        advice = "; it is transposed" if driven.shape[1:] == (rows,) else ""
        raise ValueError(f"weight_ih{suffix} has shape {driven.shape}, expected of {kind} is ({rows}, inputs){advice}")
    for side, bias in zip(("ih", "hh"), biases, strict=True):
        if bias is not None and bias.shape != (rows,):
            raise ValueError(f"bias_{side}{suffix} has shape {bias.shape}, expected of {kind} is ({rows},)")
    sides = {"r": np.split(recurrent, len(gates)), "i": np.split(driven, len(gates))}
    found = {f"{gate}_{side}": part for side, parts in sides.items() for gate, part in zip(gates, parts, strict=True)}
    return found | layer_biases(kind, gates, *biases)


def layer_biases(kind, gates, driven, recurrent):
    """{name in our cell: array} of the biases bias_ih and bias_hh (gates H,) of a layer of PyTorch, or None each.

    Their sums are exact in float64. The candidate of a GRU keeps them apart.
    """
    if driven is None and recurrent is None:
        return {}
    zero = np.zeros_like(recurrent if driven is None else driven)
    sides = ((zero if bias is None else bias).astype(np.float64) for bias in (driven, recurrent))
    found = {}
    for gate, b_i, b_h in zip(gates, *(np.split(bias, len(gates)) for bias in sides), strict=True):
        inside = kind == "gru" and gate == "W"
        found["b" if gate == "W" else f"{gate}_b"] = b_i if inside else b_i + b_h
        if inside:
            found["b_h"] = b_h
    return found


def advice_on_shape(shape):
    """Which cell a weight_hh of this shape fits, if any; or that it is transposed."""
    fitting = [kind for kind, gates in STACKED.items() if shape == (len(gates) * shape[-1], shape[-1])]
    if fitting:
        return f"; it fits {fitting[0]}"
    transposed = [kind for kind, gates in STACKED.items() if shape == (shape[0], len(gates) * shape[0])]
    advice = "transposed, as Keras stores it, it fits {}; gates have another order there, see docs/own-networks.md"
    return f"; {advice.format(transposed[0])}" if transposed else ""
