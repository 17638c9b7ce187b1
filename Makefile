PYTHON ?= python3
BIN := .venv/bin
CODEX := $(BIN)/codex

.PHONY: run test lint installed bench

run: .venv/installed
	$(CODEX) models fetch smollm2-135m-instruct
	$(BIN)/python app.py

test: .venv/installed-dev
	$(CODEX) models fetch smollm2-135m-instruct
	$(BIN)/python -m pytest

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

installed: .venv/installed-dev
	$(BIN)/python tests/installed.py

bench: .venv/installed-dev
	$(CODEX) models fetch smollm2-135m-instruct
	$(BIN)/python -m tests.bench

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
