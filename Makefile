# Two commands on a fresh machine with Python and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help demo demo-fast test test-models lint types contracts unit clean

help:
	@echo "make demo       install with torch into $(VENV), train two versions of three models on drawn data, audit, compare"
	@echo "make test       install, lint, type-check, check the layers, run the tests"
	@echo "make test-models  install torch as well (the extra [models]), run the tests of training and models"
	@echo "make demo-fast  the demo in its short form"

$(BIN)/plumbline: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c constraints.txt -e .
	@touch $@

$(VENV)/dev: $(BIN)/plumbline
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/models: $(BIN)/plumbline
	$(PIP) install -q -c constraints.txt -e '.[models]'
	@touch $@

demo: $(VENV)/models
	$(BIN)/plumbline demo

demo-fast: $(VENV)/models
	$(BIN)/plumbline demo --fast

test: lint types contracts unit

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: $(VENV)/dev
	$(BIN)/mypy

contracts: $(VENV)/dev
	$(BIN)/lint-imports

unit: $(VENV)/dev
	$(BIN)/python -m pytest -q

test-models: $(VENV)/dev $(VENV)/models
	$(BIN)/python -m pytest -q -m models

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
