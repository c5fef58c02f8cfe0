"""Description of a measured quantity, beside the code that computes it; engine.results.netcdf writes it to files."""

from typing import NamedTuple


class Quantity(NamedTuple):
    """Dimensions (separated by spaces), long name, label in docs/theory.md, units, dtype on file ("": unchanged)."""

    dims: str
    long_name: str
    label: str
    units: str = "1"
    dtype: str = "f8"

    def of(self, loss):
        """With the loss in words where the long name has {loss}."""
        return self._replace(long_name=self.long_name.replace("{loss}", loss.title))
