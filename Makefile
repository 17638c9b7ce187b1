PYTHON ?= python3
BIN := .venv/bin
CODEX := $(BIN)/codex

# The pages' scripts are served as they are; node only checks them, and a user needs none.
NODE := $(shell command -v npm)
# Set by `coverage` alone.
COVER :=

.PHONY: run test coverage test-js lint lint-js types security docs installed bench soak

run: .venv/installed
	$(CODEX) models fetch smollm2-135m-instruct
	$(BIN)/python app.py

test: test-js .venv/installed-dev
	$(CODEX) models fetch smollm2-135m-instruct
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(COVER)

# The same, and which lines and branches of codex/ it ran.
coverage: COVER := --cov
coverage: test

lint: lint-js .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) types
	$(BIN)/lint-imports

types: .venv/installed-dev
	$(BIN)/mypy

# Names of made-up secrets in examples, and files that hold none of our own text.
EXAMPLES := ^(password|token|key|SERVER_KEY|AKIAIOSFODNN7EXAMPLE)$$
FOREIGN := ^assets/vendor/|^datasets/.*\.jsonl|\.(png|gz|ipynb)$$
# What tells secrets by how random they look finds every hash and fingerprint.
DETECT := $(BIN)/detect-secrets-hook --exclude-secrets '$(EXAMPLES)' \
  --disable-plugin Base64HighEntropyString --disable-plugin HexHighEntropyString

security: .venv/installed-dev
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[security]"
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml codex pages app.py
	git ls-files | grep -Ev '$(FOREIGN)|^tests/' | xargs $(DETECT)
	git ls-files tests | xargs $(DETECT) --disable-plugin KeywordDetector --disable-plugin BasicAuthDetector
	mkdir -p build
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-file build/sbom.cdx.json .venv
	$(BIN)/pip-audit --local --skip-editable

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

docs: .venv/installed-docs
	$(BIN)/python -m zensical build --clean --strict
	$(BIN)/python -m tests.docs.site

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

.venv/installed-docs: .venv/installed-dev
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev,docs]"
	touch $@
