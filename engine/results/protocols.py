"""Whether a quantity can be measured by a protocol: the arguments of its `measure`, or a block of a configuration."""

from inspect import Parameter, signature
from math import inf
from numbers import Integral

from engine.common.blocks import ends_of_blocks
from engine.common.registry import nearest

SHORTEST = 3  # steps of a sequence from which effective rates by lag can be taken


def whole(least):
    """An entry of RANGES."""
    return f"a whole number, {least} or more", lambda x: isinstance(x, Integral) and x >= least


RANGES = {  # what is allowed, in words and as a test
    "seed": whole(0),
    "T": whole(SHORTEST),
    "probe_batch": whole(1),
    "pairs": whole(1),
    "gradients": whole(0),
    "samples": whole(1),
    "exponents": whole(1),
    "blocks": whole(2),
    "r": whole(1),
    "lags": (
        "a list of different whole numbers, 1 or more",
        lambda x: len(set(x)) == len(x) > 0 and all(isinstance(h, Integral) and h > 0 for h in x),
    ),
    "epsilons": (
        "a list of five or more different numbers above 0",
        lambda x: len(set(x)) == len(x) >= 5 and all(0 < e < inf for e in x),
    ),
    "rate": ("a number above 0", lambda x: 0 < x < inf),
    "transient": ("a number from 0 on and below 1", lambda x: 0 <= x < 1),
}


def argument_mistakes(quantity, given):
    """Lines on arguments {name: value} for a module of engine.measures: unknown ones, those that lack, wrong values."""
    name = quantity.__name__.rpartition(".")[2]
    takes = {**signature(quantity.coordinates).parameters, **signature(quantity.measure).parameters}
    takes = {key: p.default for key, p in takes.items() if p.kind is Parameter.KEYWORD_ONLY and key != "device"}
    for key in sorted(given.keys() - takes.keys()):
        advice = ", it is called 'r' here" if key == "rank" else nearest(key, takes)
        yield f"{name}: unknown argument {key!r}{advice} (allowed: {', '.join(takes)})"
    for key in [key for key, default in takes.items() if default is Parameter.empty and given.get(key) is None]:
        yield f"{name}: the argument {key!r} is missing" + (", the steps of a sequence" if key == "T" else "")
    yield from range_mistakes(name, {key: value for key, value in given.items() if value is not None})


def range_mistakes(quantity, protocol):
    """Lines on values that are wrong by themselves."""
    for key, value in protocol.items():
        words, fits = RANGES.get(key, ("", lambda _: True))
        try:
            right = fits(value)
        except TypeError:
            right = False
        if not right:
            yield f"{quantity}.{key} = {value!r}: allowed is {words}"


def protocol_mistakes(quantity, protocol, lengths, state):
    """Lines on what of a protocol does not fit sequences of {key: T} steps, the size of a state, or the rest of it.

    The rank is `r` as an argument, and `rank` in a configuration.
    """
    for key, T in lengths.items():
        if (lag := max(protocol.get("lags", [0]))) >= T:
            yield f"{quantity}.lags: {lag} is too long for {key} = {T}, allowed is less"
        if {"transient", "blocks"} <= protocol.keys():
            yield from block_mistakes(quantity, T, protocol["transient"], protocol["blocks"])
    name = "r" if "r" in protocol else "rank"
    if (rank := protocol.get(name, 0)) > state:
        yield f"{quantity}.{name} = {rank} is too large for a state of {state}"
    if rank >= (gradients := protocol.get("gradients") or inf):
        yield (
            f"{quantity}.{name} = {rank} is too large for {quantity}.gradients = {gradients}: it must be less, since "
            "their mean is taken off"
        )
    if (samples := protocol.get("samples", 0)) > (batch := protocol.get("probe_batch", inf)):
        yield f"{quantity}.samples = {samples} is more than {quantity}.probe_batch = {batch}"


def block_mistakes(quantity, T, transient, blocks):
    """[line] if T steps cannot be cut into so many blocks, else []."""
    try:
        ends_of_blocks(T, transient, blocks)
    except ValueError as error:
        return [f"{quantity}: {error}"]
    return []
