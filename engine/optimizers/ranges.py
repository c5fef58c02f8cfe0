"""Checks the range of options of update rules and schedules."""


def within(owner, name, value, low, high, *, low_allowed=True, high_allowed=False):
    """Raises ValueError unless low <= value < high, TypeError for anything that is not a number.

    `low_allowed` and `high_allowed` say whether the ends belong to the range."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{owner}: {name} = {value!r} is not a number (YAML reads 1e-3 as text, write 1.0e-3)")
    above = value >= low if low_allowed else value > low
    below = value <= high if high_allowed else value < high
    if not (above and below):
        signs = ["<=" if allowed else "<" for allowed in (low_allowed, high_allowed)]
        raise ValueError(f"{owner}: {name} = {value}, allowed is {low} {signs[0]} {name} {signs[1]} {high}")
