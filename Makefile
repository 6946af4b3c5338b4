# From a bare clone: each target makes its environment in .venv on the first run,
# and reuses it afterwards. PYTHON=/path/to/python3.11 chooses the interpreter.

VENV := .venv
BIN := $(VENV)/bin
CREATED := $(VENV)/created.stamp
RUNNABLE := $(VENV)/runnable.stamp
TESTABLE := $(VENV)/testable.stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

CANDIDATES := $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3)
RECENT := import sys; sys.exit(sys.version_info < (3, 11))

.PHONY: help demo demo-once test check bench study soak

help:
	@echo "make demo       a federation of simulated sites, and a request through it"
	@echo "make demo-once  the same, and ends"
	@echo "make test       the tests"
	@echo "make bench      what offers and polls cost, in CPU time, beside the bare minimum"
	@echo "make study      what ranking is worth, simulated (docs/ranking-study.md)"
	@echo "make soak       thousands of sessions with random faults, and every promise checked"
	@echo "make check      the linters and the type checker"

demo: $(RUNNABLE)
	@$(BIN)/metabroker demo

demo-once: $(RUNNABLE)
	@$(BIN)/metabroker demo --once

test: $(TESTABLE)
	@$(BIN)/python -m pytest

bench: $(TESTABLE)
	@$(BIN)/python -m bench.offer_path
	@$(BIN)/python -m bench.over_http

soak: $(TESTABLE)
	@$(BIN)/python -m tests.soak

study: $(TESTABLE)
	@$(PIP) install --editable '.[study]'
	@$(BIN)/python -m bench.ranking_study --out docs

check: $(TESTABLE)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

$(CREATED):
	@set -e; \
	for python in $(CANDIDATES); do \
	    if "$$python" -c '$(RECENT)' 2>/dev/null; then \
	        echo "making $(VENV) with $$($$python --version)"; \
	        "$$python" -m venv --clear $(VENV); \
	        touch $@; \
	        exit 0; \
	    fi; \
	done; \
	echo "Python 3.11 or newer is needed, and none was found." >&2; \
	echo "Name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
	exit 1

$(RUNNABLE): pyproject.toml $(CREATED)
	@echo "installing metabroker into $(VENV)"
	@$(PIP) install --editable .
	@touch $@

$(TESTABLE): pyproject.toml $(CREATED)
	@echo "installing metabroker and its tests' tools into $(VENV)"
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(RUNNABLE)
