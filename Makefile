# `make demo` and `make test` need Python >= 3.11 and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip install --disable-pip-version-check

.PHONY: check lint format types test test-all test-cpus fuzz fuzz-nightly docs demo clean

# Everything a change must pass.
check: lint types test test-plugins

# Of PyTorch the index that pip is set to decides between its CPU and its CUDA build, unless TORCH_INDEX is given.
$(VENV)/.tool: pyproject.toml constraints.txt Makefile
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v nvidia-smi >/dev/null || test -n "$(TORCH_INDEX)" || test "$$(uname)" != Linux || echo \
	  "No NVIDIA GPU here. If pip fetches gigabytes of CUDA for PyTorch, stop it (Ctrl-C) and run:" \
	  "make $(MAKECMDGOALS) TORCH_INDEX=https://download.pytorch.org/whl/cpu"
	test -z "$(TORCH_INDEX)" || $(PIP) -c constraints.txt --index-url "$(TORCH_INDEX)" torch
	$(PIP) -c constraints.txt -e '.[eval]'
	@$(BIN)/python -c "import torch; print('PyTorch', torch.__version__, 'for', torch.version.cuda or 'CPUs')"
	@touch $@

$(VENV)/.tests: $(VENV)/.tool
	$(PIP) --quiet -c constraints.txt -e '.[test]'
	@touch $@

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.tests
	$(BIN)/python -m mypy

docs: $(VENV)/.tests
	$(BIN)/python -m mkdocs build --quiet

demo: $(VENV)/.tool
	$(BIN)/python examples/demo.py

# Side by side on the machine's cores, up to four; each test computes with one thread (tests/conftest.py).
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

test: $(VENV)/.tests
	$(PYTEST) -m 'not long'

test-all: $(VENV)/.tests
	$(PYTEST)

# Our adapters in deepinv and spandrel. These and torchvision lie apart: where torchvision was not built for the PyTorch
# that is installed (as PyPI's beside one for CPUs), it would break Lightning; the tests stand in for what it lacks.
$(VENV)/.plugins: $(VENV)/.tests
	$(PIP) --quiet -c constraints.txt --no-deps --target $(VENV)/plugins deepinv spandrel torchvision natsort
	@touch $@

test-plugins: $(VENV)/.plugins
	PYTHONPATH=$(VENV)/plugins $(BIN)/python -m pytest tests/api/test_deepinv.py tests/parity/test_plug_in.py

# What depends on the CPU, as on machines with fewer instructions, one thread or no compiler.
test-cpus: $(VENV)/.tests
	tools/test_cpus.sh $(BIN)/python

# Coverage-guided fuzzing of every reader: ten minutes, and an hour for nights. What reached new lines stays in build/fuzz.
$(VENV)/.fuzz: $(VENV)/.tests
	$(PIP) --quiet -c constraints.txt -e '.[fuzz]'
	@touch $@

fuzz: $(VENV)/.fuzz
	$(BIN)/python -m tests.reliability.guided 600

fuzz-nightly: $(VENV)/.fuzz
	$(BIN)/python -m tests.reliability.guided 3600

clean:
	rm -rf $(VENV) demo build dist site
