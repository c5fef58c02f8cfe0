"""Ticks for values that span decades: about six round numbers, on a logarithmic axis or for values that are log10."""

import numpy as np
from matplotlib.ticker import Formatter, Locator, MaxNLocator, NullLocator

PLAIN = 4  # numbers of up to so many digits before or behind the point are written out
SAME = 1e-6  # what two logarithms differ by at most if they are meant to be one number


def round_logs(low, high):
    """log10 of round numbers between 10**low and 10**high: steps of the same size, then 1, 2, 5, then powers of ten."""
    decades = high - low
    if decades > 3:
        return MaxNLocator(6, integer=True).tick_values(low, high)
    if decades > 0.9:
        digits = np.log10((1, 2, 5) if decades <= 2 else (1, 3))
        return np.add.outer(np.arange(np.floor(low), high), digits).ravel()
    power = np.floor(low)  # taken out, since 10**low may be 0 as a float
    numbers = MaxNLocator(4, steps=(1, 2, 5, 10)).tick_values(10 ** (low - power), 10 ** (high - power))
    return power + np.log10(numbers[numbers > 0])


def words(log, powers):
    """10**log as text: a power of ten if all numbers of the axis are powers of ten, else with digits."""
    power = int(np.floor(log + SAME))
    digits = f"{10 ** (log - power):.3g}"
    if not powers and abs(power) < PLAIN:
        return f"{10**log:.4g}"
    return f"$10^{{{power}}}$" if digits == "1" else rf"${digits}\cdot 10^{{{power}}}$"


class RoundNumbers(Locator):
    def __init__(self, logarithmic):
        self.logarithmic = logarithmic

    def __call__(self):
        return self.tick_values(*sorted(self.axis.get_view_interval()))

    def tick_values(self, low, high):
        return 10 ** round_logs(np.log10(low), np.log10(high)) if self.logarithmic else round_logs(low, high)


class Words(Formatter):
    def __init__(self, logarithmic):
        self.logarithmic = logarithmic

    def format_ticks(self, values):
        logs = np.log10(values) if self.logarithmic else np.asarray(values)
        powers = np.abs(logs - np.round(logs)).max(initial=0) < SAME
        return [words(log, powers) for log in logs]

    def __call__(self, value, pos=None):
        return self.format_ticks([value])[0]


def round_numbers(axis):
    """Sets about six round numbers as ticks of an axis; on a linear scale the values are log10."""
    logarithmic = axis.get_scale() == "log"
    axis.set_major_locator(RoundNumbers(logarithmic))
    axis.set_major_formatter(Words(logarithmic))
    axis.set_minor_locator(NullLocator())
