PYTHON ?= python3
BIN := .venv/bin
CODEX := $(BIN)/codex

# The pages' scripts are served as they are; node only checks them, and a user needs none.
NODE := $(shell command -v npm)

.PHONY: run test test-js lint lint-js installed bench soak

run: .venv/installed
	$(CODEX) models fetch smollm2-135m-instruct
	$(BIN)/python app.py

test: test-js .venv/installed-dev
	$(CODEX) models fetch smollm2-135m-instruct
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: lint-js .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

ifeq ($(NODE),)
test-js lint-js:
	@echo "$@: skipped, there is no npm (on Debian: apt-get install nodejs npm)"
else
test-js:
	npm test --silent

lint-js: node_modules/installed
	npm run --silent lint
endif

node_modules/installed: package.json
	npm install --silent --no-audit --no-fund
	touch $@

installed: .venv/installed-dev
	$(BIN)/python tests/installed.py

bench: .venv/installed-dev
	$(CODEX) models fetch smollm2-135m-instruct
	$(BIN)/python -m tests.bench

# Some hours; `tests/soak/test_short.py` is what `make test` runs of it.
soak: .venv/installed-dev
	$(CODEX) models fetch smollm2-135m-instruct
	$(BIN)/python -m tests.soak

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
