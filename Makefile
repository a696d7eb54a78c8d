# The one door: each target sets up what it needs by itself in .venv.

PYTHON ?= python3
BIN := .venv/bin
SCENARIO ?= request

.DEFAULT_GOAL := help
.PHONY: help install demo run test lint bench faults lock clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed ## install everything, pinned with hashes, into .venv

.venv/installed: pyproject.toml requirements-dev.lock
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: .venv/installed ## play a request and its answer, or with SCENARIO=case a whole case; leaves nothing behind
	@$(BIN)/python -m deploy.local.demo $(SCENARIO)

run: .venv/installed ## start the same stack to stay, with state in var/ (KETENHUB_HOME overrides)
	@$(BIN)/python -m deploy.local.run

test: .venv/installed ## run every test
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/installed ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed ## measure the hot paths against their budgets; writes bench.json
	@$(BIN)/python -m tests.performance.bench

faults: .venv/installed ## kill every process at random during 500 messages, then prove that nothing is lost
	@$(BIN)/python -m deploy.local.faults

lock: .venv/installed ## write the pinned requirements anew from pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes -o requirements-connector.lock
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes --extra hub -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes --extra dev -o requirements-dev.lock

clean: ## remove what can be made again
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache htmlcov bench.json
