"""Compiled functions work where Numba can keep nothing: in a checkout that cannot be written to, without a home."""

import os
import shutil
import subprocess
import sys

import pytest
from house import ROOT

from workflow.sources import imports

# module of the engine: a call of one compiled function, and what it returns
CALLS = {
    "network/gradient_numba.py": ("kernel.tanh(numpy.float32(0))", "0.0"),
    "products/spectral_norms_numba.py": ("[x := numpy.ones((2, 2)), kernel.add(x, x, x), x.sum()][2]", "8.0"),
    "tasks/narma_path.py": ("kernel.narma_path(numpy.zeros((2, 1)), 1, 0.5, 0.0, 1.0, False, 9.0)[0][0]", "1.5"),
}


@pytest.mark.parametrize("module", CALLS)
def test_no_place_to_keep_compiled_code_is_needed(module, tmp_path):
    """A file stands where the folder beside the module would be, and the user has no folder of his own."""
    shutil.copy(ROOT / "engine" / module, tmp_path / "kernel.py")
    (tmp_path / "__pycache__").touch()
    nowhere = {"HOME": os.devnull, "XDG_CACHE_HOME": os.devnull, "NUMBA_CACHE_DIR": "", "PYTHONPATH": str(ROOT)}
    call, value = CALLS[module]
    said = subprocess.run(
        [sys.executable, "-c", f"import kernel, numpy; print({call})"],
        cwd=tmp_path,
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
    )
    assert said.stdout.strip() == value, said.stderr
    assert not list(tmp_path.glob("**/*.nbi"))


def test_every_module_that_compiles_is_tried():
    engine = ROOT / "engine"
    modules = {str(path.relative_to(engine)) for path in engine.rglob("*.py")}
    assert {m for m in modules if "engine/common/jit.py" in imports(ROOT, f"engine/{m}")} == set(CALLS)
