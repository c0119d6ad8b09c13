# `make demo` and `make test` need Python >= 3.11 and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: check lint format types test test-all demo clean

# Everything a change must pass.
check: lint types test

$(VENV)/.tool: pyproject.toml constraints.txt Makefile
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[eval]'
	touch $@

$(VENV)/.tests: $(VENV)/.tool
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.tests
	$(BIN)/python -m mypy

demo: $(VENV)/.tool
	$(BIN)/python examples/demo.py

test: $(VENV)/.tests
	$(BIN)/python -m pytest -m 'not long'

test-all: $(VENV)/.tests
	$(BIN)/python -m pytest

clean:
	rm -rf $(VENV) demo build dist
