"""How a measured quantity is described where it is computed; engine.results.netcdf writes it with these words."""

from typing import NamedTuple


class Quantity(NamedTuple):
    """Dimensions (separated by spaces), long name, label of theory.md, units, and the dtype on file ("": as it is)."""

    dims: str
    long_name: str
    label: str
    units: str = "1"
    dtype: str = "f8"
