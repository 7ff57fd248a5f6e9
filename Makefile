# make run    makes the environment and runs the whole experiment of CONFIG
# make test   makes the environment and runs the tests
PYTHON ?= python3
VENV ?= .venv
CONFIG ?= config/config.yaml
SLURM_TESTS ?= slurm
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test test-slow test-slurm lint format lock schema benchmark bench clean help

help:
	@sed -n '1,2s/^# //p' Makefile
	@echo "make lint   ruff, snakefmt, drift of envs, type check"
	@echo "make benchmark  ratios against references; ARGS='synthesis solvers' for some groups"
	@echo "make clean  removes results, store, logs and benchmarks of runs (not the environment)"

run: $(READY)
	@$(BIN)/sparkle check --config $(CONFIG)
	@$(BIN)/snakemake --configfile $(CONFIG) $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not slurm" $(ARGS)

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow $(ARGS)

# Starts a Slurm of its own on this machine: needs Debian's packages and root.
# SLURM_TESTS='slurm and quick' takes five minutes instead of thirty.
test-slurm: $(READY)
	$(BIN)/python -m pytest -m "$(SLURM_TESTS)" tests/slurm $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/python envs/generate.py --check
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

benchmark bench: $(READY)
	$(BIN)/python -m benchmarks $(ARGS)

schema: $(READY)
	$(BIN)/sparkle schema --output config/schema.json

# A new lock from pyproject.toml: solves in an environment of its own.
lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install torch==2.13.0
	.venv-lock/bin/pip install -e '.[dev]'
	.venv-lock/bin/python envs/generate.py --freeze
	rm -rf .venv-lock

$(READY): envs/requirements.lock pyproject.toml
	@echo "Making the environment in $(VENV): some minutes, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check -r envs/requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

clean:
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	rm -rf logs benchmarks/runs .snakemake .sparkle
