"""Compiled functions work where Numba can keep nothing: in a checkout that cannot be written to, without a home."""

import logging
import os
import shutil
import subprocess
import sys
import time

import numba
import pytest
from house import ROOT

from engine.common import jit
from workflow.sources import imports

# module of the engine: a call of one compiled function, and what it returns
CALLS = {
    "common/subnormals.py": ("[kernel.set_control(c := kernel.control()), kernel.control() == c][1]", "True"),
    "network/gradient_numba.py": (
        "[x := numpy.ones((1, 1), 'f'), kernel.loss_and_error(x[0], x[0], x, x[0].copy(), x.copy())][1]",
        "0.0",
    ),
    "network/samples_numba.py": ("kernel.inner(numpy.ones(2), numpy.ones(2))", "2.0"),
    "network/steps_numba.py": ("kernel.tanh(numpy.float32(0))", "0.0"),
    "products/formed_numba.py": ("kernel.make_matrices(2, 3).values.shape[1]", "3"),
    "products/graded_numba.py": ("kernel.frobenius(numpy.ones((2, 2)))", "2.0"),
    "products/growth_rates_numba.py": (
        "[x := numpy.ones((1, 1)), kernel.eliminate(x, 1, x[0] * 0, x[0] * 0, x.copy())][1]",
        "0.0",
    ),
    "products/lanczos_numba.py": ("kernel.bound(3.0, 4.0)", "2.0"),
    "products/linalg_numba.py": ("[x := numpy.ones((2, 2)), kernel.add(x, x, x), x.sum()][2]", "8.0"),
    "products/spectral_norms_numba.py": ("kernel.make_factors(2, 1, 3).trace.shape[0]", "2"),
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


CALLER = """
import called
from engine.common import jit

@jit.compiled(SIGNATURE, uses=[called])
def twice(x):
    return 2 * called.function(x)
"""
CALLED = """
from engine.common import jit

@jit.compiled()
def function(x):
    return x + {}
"""


@pytest.mark.parametrize("signature", ["", "'int64(int64)'"])
def test_an_edit_of_what_is_called_counts(tmp_path, signature):
    """Numba by itself would go on with what it has kept of the caller."""
    (tmp_path / "caller.py").write_text(CALLER.replace("SIGNATURE, ", signature and f"{signature}, "), encoding="utf-8")
    for step, (added, twice_of_one) in enumerate([(1, "4"), (1, "4"), (5, "12")]):
        if step != 1:
            (tmp_path / "called.py").write_text(CALLED.format(added), encoding="utf-8")
            os.utime(tmp_path / "called.py", ns=(time.time_ns(), time.time_ns() + 10**9))  # a second apart
        said = subprocess.run(
            [sys.executable, "-c", "import caller; print(caller.twice(1), caller.twice.stats.cache_hits)"],
            cwd=tmp_path,
            env=os.environ | {"NUMBA_CACHE_DIR": "", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert said.stdout.split()[0] == twice_of_one, said.stderr


def test_what_compiled_code_calls_is_a_part_of_it():
    """Else results depend on whether the cache was there: log norms differed by 4e-13."""
    assert jit.compiled()(lambda x: x).targetoptions["forceinline"]


def test_a_compilation_is_told_once(caplog):
    caplog.set_level(logging.INFO)
    jit.tell.cache_clear()
    for function in (lambda x: x, lambda x: x + 1):
        numba.njit(function)(1)
    assert [record.message.split()[:2] for record in caplog.records if record.name == jit.__name__] == [
        ["Numba", "compiles"]
    ]
