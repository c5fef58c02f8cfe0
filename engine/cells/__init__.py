"""The cells: one file each. A cell that is registered here obeys every law in tests/cells/test_cells.py."""

from engine.cells.cell import Cell
from engine.cells.gru import GRU
from engine.cells.gru_before import GRUBefore
from engine.cells.leaky import Leaky
from engine.cells.lstm import LSTM
from engine.cells.multi import Multi
from engine.cells.plain import Plain
from engine.cells.scalar import Scalar
from engine.cells.stack import Stack
from engine.common.registry import lookup

CELLS = {cell.name: cell for cell in (Plain, Leaky, Scalar, Multi, GRU, GRUBefore, LSTM, Stack)}

__all__ = ["CELLS", "Cell", "make_cell"]


def make_cell(name, units, inputs, **options):
    """A registered cell with H = `units` and n = `inputs`; ValueError for an unknown name or option."""
    cell = lookup("cell", name, CELLS)
    for key in options:
        lookup(f"option of cell {name}:", key, dict.fromkeys(cell.options))
    return cell(units, inputs, **options)
