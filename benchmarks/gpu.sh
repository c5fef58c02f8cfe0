#!/usr/bin/env bash
# All that a GPU is needed for, in one command and under 8 minutes: bash benchmarks/gpu.sh [--dry]
#
# Tests on the device, the tables of run_gpu.py, and the engine's part of the paper by rule (gpu_paper.py). A part that
# fails or takes too long is named, and the next one runs. Leaves benchmarks/results/gpu_run.md and gpu_run.json. With
# --dry all of it is small and runs on a CPU, the kernels as in the tests, and only gpu_run.* of a scratch folder is left.
# Packages that the machine lacks come from the folder benchmarks/wheels, if it is there; this fills it:
#   python3.12 -m pip download --only-binary :all: --no-deps -d benchmarks/wheels -r benchmarks/gpu-wheels.txt
set -u
cd "$(dirname "$0")/.."
PY=${PYTHON:-python3}
DRY=no
[ "${1:-}" = --dry ] && DRY=yes
LOGS=$(mktemp -d)
export PYTHONPATH=.${PYTHONPATH:+:$PYTHONPATH} XLA_PYTHON_CLIENT_PREALLOCATE=false

# part NAME SECONDS COMMAND...: runs it, and keeps its output, its exit status and how long it took.
part() {
  local name=$1 limit=$2 start=$SECONDS status
  shift 2
  echo "== $name"
  timeout "$limit" "$@" >"$LOGS/$name.txt" 2>&1
  status=$?
  printf '%s\t%s\t%s\n' "$name" "$status" "$((SECONDS - start))" >>"$LOGS/parts.tsv"
  [ $status = 0 ] || { echo "$name failed with status $status:"; tail -n 20 "$LOGS/$name.txt"; }
}

[ -d benchmarks/wheels ] && part wheels 60 "$PY" -m pip install --quiet --no-index --no-deps benchmarks/wheels/*.whl
if [ $DRY = yes ]; then
  export TORCHDYNAMO_DISABLE=1 OMP_NUM_THREADS=1 JAX_PLATFORMS=cpu
  part tests 600 "$PY" -m pytest -q -p no:cacheprovider tests/network/test_gradient_cuda.py -k multi
  part tables 600 "$PY" benchmarks/run_gpu.py --dry
  part paper 600 "$PY" benchmarks/gpu_paper.py --dry --json "$LOGS/paper.json"
else
  part tests 90 "$PY" -m pytest -q -p no:cacheprovider -m gpu tests/test_gpu.py
  part paper 160 "$PY" benchmarks/gpu_paper.py --limit 140 --json "$LOGS/paper.json"
  part tables 210 "$PY" benchmarks/run_gpu.py
fi
"$PY" benchmarks/gpu_report.py "$LOGS" "$([ $DRY = yes ] && echo "$LOGS" || echo benchmarks/results)"
! grep -qv $'\t0\t' "$LOGS/parts.tsv"
