# Each target first makes the environment that it needs, once, from a lock file.

# The Python that environments are made with, 3.11 or newer.
PYTHON ?= python3
# How many cores to use; without it, all of them.
CORES =
# Folders of profiles/: default, gpu, slurm, or "slurm gpu".
PROFILE = default
# 12 or 13 adds CuPy for that version of CUDA to .venv.
CUDA = $(if $(filter gpu,$(PROFILE)),13)
# The run that `make report` is about.
RUN = paper
# Further words for the command that a target runs.
ARGS =

PY = .venv/bin/python
SNAKEMAKE = $(PY) -m snakemake --workflow-profile profiles/$(or $(filter-out gpu,$(PROFILE)),default) \
  $(if $(filter gpu,$(PROFILE)),--profile profiles/gpu) $(if $(CORES),--cores $(CORES))
READY = .venv/requirements.lock $(if $(CUDA),.venv/requirements-gpu-cuda$(CUDA).lock)
config = $(if $(filter-out paper,$(1)),--configfile config/$(1).yaml)

# Snakemake puts the path of .venv into commands as it stands, and Python makes none where there is a colon.
ifneq ($(strip $(shell pwd | LC_ALL=C tr -d 'A-Za-z0-9/._+@%=~\200-\377\n-' | wc -c)),0)
  $(error The path of this folder has a space, a quote or another special character: $(shell pwd). Move the folder to a \
  path of letters, digits, dots, - and _)
endif

.DELETE_ON_ERROR:
.PHONY: help paper smoke factorial report validation test lint docs bench bench-gpu lock clean

help:
	@echo 'make paper       all figures and tables of the paper, into results/paper/'
	@echo 'make smoke       the same from a tiny run, in two to three minutes, into results/smoke/'
	@echo 'make factorial   gates against optimizers, into results/factorial/'
	@echo 'make report      a run as one self-contained page: results/RUN/report.html, RUN=paper'
	@echo 'make validation  numbers that others have published, measured anew: docs/validation.md'
	@echo 'make test        the tests'
	@echo 'make lint        the linters'
	@echo 'make docs        the documentation as a site: site/index.html'
	@echo 'make bench       speed beside PyTorch and JAX, and where the time of make paper went; make bench-gpu: on a GPU'
	@echo 'make lock        the newest versions into the lock files'
	@echo 'make clean       removes environments and caches; results stay'
	@echo
	@echo 'With any of them: CORES=2, PROFILE=gpu, slurm or "slurm gpu", CUDA=12 or 13, ARGS=..., PYTHON=python3.12'
	@echo 'For example: make paper CORES=4 ARGS=--dry-run'

paper smoke factorial: $(READY)
	$(SNAKEMAKE) $(call config,$@) $(ARGS)

report: $(RUN)
	$(SNAKEMAKE) $(call config,$(RUN)) --report results/$(RUN)/report.html

validation: $(READY)
	$(PY) -m tools.validation $(ARGS)

test: $(READY)
	$(PY) -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m snakefmt --check Snakefile workflow
	$(PY) -m codespell_lib
	$(PY) -m tools.check_links
	$(PY) -m snakemake --lint

docs: .venv-docs/requirements-docs.lock
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=. .venv-docs/bin/python -m mkdocs build --quiet --strict $(ARGS)
	@echo site/index.html

bench: .venv-bench/requirements-bench.lock
	PYTHONPATH=. .venv-bench/bin/python benchmarks/run.py $(ARGS)
	[ ! -d results/paper/logs ] || PYTHONPATH=. .venv-bench/bin/python benchmarks/breakdown.py results/paper

bench-gpu: .venv-bench-gpu/requirements-bench.lock
	PYTHONPATH=. .venv-bench-gpu/bin/python benchmarks/run_gpu.py $(ARGS)

lock:
	$(python_is_new_enough)
	$(PYTHON) tools/lock.py

clean:
	rm -rf .venv .venv-bench .venv-bench-gpu .venv-docs site .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment holds a copy of the lock that it was made from, written last: without it, or with another one, the
# environment is made anew.
.venv/requirements.lock: requirements.lock
	$(call environment,-r $<)

.venv/requirements-gpu-cuda%.lock: requirements-gpu-cuda%.lock .venv/requirements.lock
	@echo "Adding CuPy for CUDA $* to .venv"
	@$(PY) -m pip install --quiet --disable-pip-version-check -c requirements.lock -r $<
	@cp $< $@

.venv-bench/requirements-bench.lock: requirements-bench.lock
	$(call environment,-r $<)

.venv-docs/requirements-docs.lock: requirements-docs.lock
	$(call environment,-r $<)

# CUDA 13, whatever CUDA says: PyTorch comes with it, and all peers share one driver and one set of libraries.
.venv-bench-gpu/requirements-bench.lock: requirements-bench.lock requirements-gpu-cuda13.lock
	$(call environment,-r $< 'jax[cuda13]' "$$(grep ^cupy requirements-gpu-cuda13.lock)")

define environment
	$(python_is_new_enough)
	@if cmp -s $< $@; then touch $@; else \
	  echo "Making $(@D) from $<: once, a minute or two"; \
	  $(PYTHON) -m venv --clear $(@D) && \
	  $(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(1) && \
	  cp $< $@.part && mv $@.part $@; \
	fi
endef

define python_is_new_enough
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  found=$$($(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null || echo missing); \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is $$found. Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
	  exit 1; }
endef
