# Every target makes its own environment from the lock, then does its work. `make help` lists them.
# Needs: GNU make 3.81 or later, Python 3.11 to 3.14. Options are passed on: make test ARGS='-x -k fence'

# The versions the lock holds wheels for; `make PYTHON=/path/to/python` chooses another interpreter.
PYTHON_FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$python -c '$(PYTHON_FITS)' >/dev/null 2>&1 && { echo $$python; exit; }; done; echo python3)
endif
ARGS ?=
UV_VERSION := 0.13.9

VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
STAMP := $(VENV)/.installed
LOCK_VENV := .venv-lock
PIP := -m pip --disable-pip-version-check

define check_python
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "make: '$(PYTHON)' was not found. Install Python 3.11 to 3.14, or name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c '$(PYTHON_FITS)' || { \
	  echo "make: '$(PYTHON)' is $$($(PYTHON) --version 2>&1), but 3.11 to 3.14 is needed. Name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' >/dev/null 2>&1 || { \
	  echo "make: '$(PYTHON)' cannot create virtual environments. Install its venv module (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
endef

# Tests and demo start hundreds of processes: compiling every module anew would take most of their time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-long check bench chaos lock clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	@echo "  Pass options on with ARGS='...'; choose an interpreter with PYTHON=python3.12."

venv: $(STAMP) ## create or refresh .venv from requirements.lock

demo: $(STAMP) ## two ERPs, one API, flips, faults and killed processes, then an audit
	$(BIN)/coexist demo $(ARGS)

# What starts installations and minds no company: the demo and the chaos run go by the clock.
APART = tests/bench/test_smoke.py
MEASURING = $(filter-out $(APART),$(wildcard tests/bench/test_*.py))
TWO_AT_A_TIME = $(filter-out %/test_demo.py,$(wildcard tests/e2e/test_*.py)) $(APART)

# The house rules (tests/tidy) are `make check`'s. Without ARGS in three parts: what keeps to itself in
# parallel, then the demo and the chaos run, then what starts whole installations, two at a time, because
# each of those has many processes of its own.
test: $(STAMP) ## run the tests
ifeq ($(strip $(ARGS)),)
	$(BIN)/python -m pytest -q -n 4 --dist loadfile tests/unit tests/property tests/contract $(MEASURING)
	$(BIN)/python -m pytest -q -m 'not long' tests/e2e/test_demo.py $(wildcard tests/chaos)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m 'not long' $(TWO_AT_A_TIME)
else
	$(BIN)/python -m pytest $(ARGS)
endif

test-long: $(STAMP) ## run the tests that `make test` leaves out because each takes a minute or more
	$(BIN)/python -m pytest -q -m long tests/e2e $(ARGS)

check: $(STAMP) ## lint, format, types, import direction, tidiness
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/tidy $(ARGS)

chaos: $(STAMP) ## break an installation at random for minutes, then demand that nothing was lost or doubled
	$(BIN)/python -m tests.chaos $(ARGS)

bench: $(STAMP) ## measure, printed as ratios of one run
	$(BIN)/coexist bench $(ARGS)

lock: pyproject.toml ## resolve requirements.lock anew (ARGS=--upgrade for newer releases)
	$(check_python)
	$(PYTHON) -m venv --clear $(LOCK_VENV)
	$(LOCK_VENV)/bin/python $(PIP) install --quiet uv==$(UV_VERSION)
	$(LOCK_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
	  --group dev --output-file requirements.lock $(ARGS) pyproject.toml
	rm -rf $(LOCK_VENV)

clean: ## remove environments, caches and the data of demo runs
	rm -rf $(VENV) $(LOCK_VENV) .coexist build dist .benchmarks .hypothesis
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(LOCKED): requirements.lock
	$(check_python)
	@echo "make: setting up $(VENV) from requirements.lock with $$($(PYTHON) --version); once, about a minute"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python $(PIP) install --quiet --no-deps --require-hashes -r requirements.lock
	@touch $(LOCKED)

$(STAMP): $(LOCKED) pyproject.toml
	@$(BIN)/python $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
