# Two commands: `make demo` and `make test`. Both prepare the environment first; that costs nothing when it is up to date.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STAMP := $(VENV)/.synced
UV := uv==0.13.9

help: ## this text
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## .venv with everything that uv.lock names

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)

$(STAMP): $(BIN)/uv pyproject.toml uv.lock
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --frozen --quiet --inexact
	@touch $(STAMP)

demo: setup ## the main job on a small cluster in memory
	@$(BIN)/eso demo $(ARGS)

lint: setup ## style, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## every test, end to end included; ARGS="tests/unit" runs a part
	$(if $(ARGS),,$(BIN)/python -m tests.e2e.harness.binaries)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

sim: setup ## simulate; SEED=n replays one schedule, RUNS=n runs many
	$(BIN)/python -m tests.sim $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS))

mutation: setup ## break every decision in one place at a time: a test must fail; ARGS="--sample 200"
	$(BIN)/python -m tests.mutation $(ARGS)

bench: setup ## throughput on a real API server; ARGS="--help" shows the options
	$(BIN)/python -m tests.e2e.harness.binaries
	$(BIN)/python -m bench $(ARGS)

chart-crds: setup ## write the generated CRDs into the chart
	$(BIN)/python helm/sync_crds.py

.PHONY: help setup demo lint test sim mutation bench chart-crds
