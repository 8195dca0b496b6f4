# Needs Python 3.11 or newer and make, nothing else. Everything is installed into .venv, from pinned hashes.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install serve test check style unit coverage browser schemathesis bench load sbom audit calibrate runs docs image examples lock vendor clean conformance mutants

# The first Python that runs and is new enough.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
PACKAGE := $(PIP) --no-build-isolation --no-deps --editable .
HOST ?= 127.0.0.1
PORT ?= 8000
JOBS ?= 2
# What is compiled stays: without it each process of the tests compiles the package and all tests anew.
unexport PYTHONDONTWRITEBYTECODE
# Arithmetic libraries would start a thread pool a process; the tests run several.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(BIN)/python:
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11'; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@test -e $(VENV)/.dev || echo 'Installing the service into $(VENV) …'
	test -e $(VENV)/.dev || $(PIP) --no-deps --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	$(PACKAGE)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo 'Installing the service and its tools into $(VENV) …'
	$(PIP) --no-deps --require-hashes -r requirements/dev.txt
	$(PACKAGE)
	@touch $(VENV)/.runtime $@

# What generates clients wants other versions of what the tools use, and npm's registry may be out of reach.
$(VENV)/.clients: requirements/clients.txt requirements/node/package-lock.json | $(BIN)/python
	@echo 'Installing generators of clients and checks of scripts into $(VENV) …'
	$(BIN)/python -m venv $(VENV)/clients
	$(VENV)/clients/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements/clients.txt
	@mkdir -p $(VENV)/node && cp requirements/node/package.json requirements/node/package-lock.json $(VENV)/node
	cd $(VENV)/node && npm ci --silent || echo 'npm does not answer: no TypeScript client is tried, no script of the page checked'
	@touch $@

install: $(VENV)/.dev  ## set up .venv with the service and all tools

serve: $(VENV)/.runtime  ## start the service (HOST and PORT may be given)
	exec $(BIN)/llm-calc serve --host $(HOST) --port $(PORT)

check: style docs  ## formatting, lint, types, layers, docs

style: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: $(VENV)/.dev $(VENV)/.clients  ## all tests
	$(BIN)/python -m tests.browser
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

# A target of its own, since measuring makes these tests three to five times as long (less so from Python 3.14 on).
coverage: $(VENV)/.dev  ## branch coverage of core and adapters by the tests that mirror them; fails under 95 %
	$(BIN)/python -m pytest tests/core tests/adapters --numprocesses $(JOBS) --dist worksteal --cov --cov-report=
	$(BIN)/coverage report --include='*/llm_calc/core/*,*/llm_calc/adapters/*' --fail-under=95

# The documentation is built by a test, as strictly. Types take one core for a while: the other begins with the tests.
test: $(VENV)/.dev $(VENV)/.clients  ## types, lint and all tests: what the CI runs
	$(MAKE) --no-print-directory --jobs 2 style unit

schemathesis: $(VENV)/.dev  ## a longer search for requests that the service answers wrongly (CASES may be given)
	$(BIN)/python -m pytest tests/api/test_schemathesis.py -q --schemathesis-cases $(or $(CASES),50000)

bench: $(VENV)/.dev  ## measure speed, start-up and memory
	$(BIN)/python -m bench

load: $(VENV)/.dev  ## hold the service under twice the load it can take (SECONDS may be given)
	$(BIN)/python -m bench.load $(or $(SECONDS),60)

calibrate: $(VENV)/.dev  ## fit efficiencies and memory constants; write docs/accuracy.md and the tables of docs/memory.md
	$(BIN)/python -m tools.calibrate
	$(BIN)/python -m tools.calibrate.arrivals
	$(BIN)/python -m tools.fit_memory
	$(BIN)/python -m tools.calibrate.predicted_runs

conformance: $(VENV)/.dev  ## run engines' own planners without a GPU; record them, write docs/conformance.md
	$(BIN)/python -m tools.conformance

mutants: $(VENV)/.dev  ## change the core in single places and count how often a test notices (MOST may be given)
	$(BIN)/python -m tools.mutants --most $(or $(MOST),100)

runs: $(VENV)/.dev  ## write what is predicted for every measured run anew
	$(BIN)/python -m tools.calibrate.predicted_runs

# Read anew each time: pages hold what code and catalogs say, which Sphinx cannot know of.
docs: $(VENV)/.dev  ## build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -q -W --keep-going --fresh-env -b html docs docs/_build/html

sbom: $(VENV)/.dev  ## write what the image is made of to dist/sbom.cdx.json (CycloneDX)
	@mkdir -p dist
	$(BIN)/python -m tools.sbom dist/sbom.cdx.json

audit: $(VENV)/.dev  ## check the pins, and ask for known vulnerabilities of each (needs a network)
	$(BIN)/python -m tools.pins
	$(BIN)/uv tool run pip-audit --strict --disable-pip --require-hashes -r requirements/runtime.txt

image:  ## build the container image
	docker build --tag llm-calc:$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) .

# The day that ages count to in what is recorded, as in the tests.
examples: export SOURCE_DATE_EPOCH = 1796040000
examples: $(VENV)/.dev  ## write the example answers of the API description anew
	$(BIN)/python -m tools.examples

lock: $(VENV)/.dev  ## pin the newest versions of everything in requirements/*.in
	$(BIN)/python tools/lock.py

vendor: $(VENV)/.dev  ## fetch the third-party browser files again, at their recorded versions
	$(BIN)/python tools/vendor.py
	$(BIN)/python -m tools.bundle

clean:  ## remove everything that was installed or built
	rm -rf $(VENV) build dist docs/_build .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
