# Two commands do all: `make run` and `make test`. Each sets up what it needs, in .venv, from pip's own configuration.
#
#   PYTHON       the interpreter to build .venv with (3.11 or newer)
#   VENV         where the environment lies
#   TORCH_INDEX  address of a pip index to take torch from, and torch only; for its small CPU build where pip's own
#                configuration offers none. PyTorch's install page names it.
#   TEST_PROCESSES  how many processes share the tests

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
TEST_PROCESSES ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.ready
TEST_STAMP := $(VENV)/.ready-test
export QT_API := pyside6

.PHONY: run test setup setup-test lint types contracts tests screens bench truth other-estimators experiments count gpu-check fuzz clean

run: setup
	@sh scripts/run.sh $(BIN)

test: setup-test lint types contracts tests

setup: $(STAMP)
setup-test: $(TEST_STAMP)

$(STAMP): pyproject.toml constraints.txt scripts/setup.sh
	@sh scripts/setup.sh "$(PYTHON)" "$(VENV)" "$(TORCH_INDEX)" train
	@touch $@

$(TEST_STAMP): $(STAMP)
	@echo "Tools for the tests: about 80 MB."
	@$(PIP) install -q -c constraints.txt -e ".[train,dev]"
	@touch $@

lint: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-test
	$(BIN)/mypy

contracts: setup-test
	$(BIN)/lint-imports

tests: setup-test
	$(BIN)/plimsoll get-example
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal -m "not alone"
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m alone

# every reader of files that others wrote, 10,000 cases each; some minutes
fuzz: setup-test
	PLIMSOLL_FUZZ_CASES=10000 QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal tests/fuzz

screens: setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m app.screens docs/screens

bench: setup-test
	QT_QPA_PLATFORM=offscreen sh scripts/bench.sh $(BIN)

# ROWS: a file of published rows in the schema of ../shared/data/measured/rows.schema.json
ROWS ?= ../shared/data/measured/rows_dev.jsonl

truth: setup
	$(BIN)/python -m benchmarks.truth "$(ROWS)"

# the estimators that EXPERIMENTS.md compares with, each in an environment of its own
other-estimators:
	$(PYTHON) -m venv .venv-fitcheck && .venv-fitcheck/bin/python -m pip install -q fitcheck-llm==0.3.1
	$(PYTHON) -m venv .venv-hf-mem && .venv-hf-mem/bin/python -m pip install -q hf-mem==0.5.6

# scores the rows, runs other estimators where they are installed, rewrites EXPERIMENTS.md and its picture
experiments: setup
	$(BIN)/python -m benchmarks.report "$(ROWS)"

# rows are cut to one length, so that planned and counted speak of the same batch in every step
count: setup
	$(BIN)/python -m backends.counted --preset first-run --set schedule.max_length=48 --steps 3

# GPU_CHECK: options, as in GPU_CHECK="--device cuda:1 --only capacity"; `python -m benchmarks.gpu_check --help` has them
GPU_CHECK ?=

gpu-check: setup
	@sh scripts/gpu_check.sh $(BIN) $(GPU_CHECK)

clean:
	rm -rf "$(VENV)" .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
