.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OLDEST := .venv-oldest
# Networks that look into TLS have their own authority, which the system trusts and uv by itself does not.
export UV_SYSTEM_CERTS := true
# Without bytecode each process of Airflow, of which the tests start hundreds, takes twice as long to load.
unexport PYTHONDONTWRITEBYTECODE
# The extra gcs brings 130 packages, which nothing here is tested with and which would move the versions of others.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(if $(UPGRADE),--upgrade) --no-annotate --no-emit-index-url \
	--custom-compile-command 'make constraints' --extra emulator --extra holidays --extra parquet --extra s3 --group dev
INSTALL = $(BIN)/uv pip install --quiet --editable '.[emulator,holidays,parquet]' --group dev
# Tests wait more than they compute, for processes, clocks and answers: this many run side by side.
LANES ?= 4
# The first Python that is new enough, whatever it is called here.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# What `make test-versions` runs, as `nox --list` names it, and which tests of it, if not all.
SESSIONS ?= tests lowest
ARGS ?=

.PHONY: help demo airflow test test-oldest test-versions test-properties test-production test-all chaos hostile check package \
	docs pictures constraints clean

help: ## show this help
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(READY) ## run the example DAG in a real Airflow against the local Exotel
	@$(BIN)/python example_dags/demo.py

airflow: $(READY) ## start a whole local Airflow beside the local Exotel, until Ctrl-C
	@exec $(BIN)/python example_dags/local_airflow.py

test: $(READY) ## run the tests on the newest Airflow
	@$(BIN)/python -m pytest -n $(LANES)

check: $(READY) ## ruff, mypy strict, import-linter, the schema of the workflows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml

test-oldest: $(OLDEST)/.ready ## run the tests on the oldest supported Airflow (on Python 3.11 or 3.12, which uv finds or installs)
	@$(OLDEST)/bin/python -m pytest -n $(LANES)

test-versions: $(READY) ## test the wheel on every supported Airflow and Python, and on the lowest dependencies (nightly)
	@LANES=$(LANES) PATH="$(abspath $(BIN)):$$PATH" $(BIN)/nox --session $(foreach session,$(SESSIONS),'$(session)') -- $(ARGS)

test-properties: $(READY) ## run the property tests with 20 times the examples (nightly)
	@EXOTEL_EXAMPLES=20 $(BIN)/python -m pytest -n $(LANES) -m hypothesis

test-production: $(READY) ## kill parts of a team's whole Airflow (needs the Debian packages postgresql and redis-server)
	@$(BIN)/python -m pytest tests/production -m production

test-all: check test test-oldest test-versions test-properties test-production ## all tests, in hours (before a release)

chaos: $(READY) ## 2,000 trials of faults and deaths: does every task get exactly one campaign?
	@$(BIN)/python -m tests.scenarios.chaos

package: $(READY) ## build the package into dist/ and check it; RELEASE_TAG and PROJECT_URL come from the release workflow
	@test -z "$(RELEASE_TAG)" || $(BIN)/python .ci/check_release.py "$(RELEASE_TAG)"
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation
	@$(BIN)/twine check --strict dist/*

docs: $(READY) ## build the site into docs/_build
	@rm -rf docs/_build
	@AIRFLOW_HOME=$(CURDIR)/docs/_build/airflow $(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs docs/_build
	@rm -rf docs/_build/airflow docs/_build/.doctrees docs/_build/.buildinfo
	@echo "The site is at docs/_build/index.html"

hostile: $(READY) ## every profile and 300 hostile servers: does verify find out, end, and leave nothing dialling?
	@EXOTEL_PROFILES=all EXOTEL_HOSTILE_SERVERS=300 $(BIN)/python -m pytest -n $(LANES) tests/commands/verify

pictures: $(READY) ## take the docs' pictures of a local Airflow anew (needs Chromium)
	@mkdir -p docs/pictures
	@EXOTEL_PICTURES=docs/pictures CI=true $(BIN)/python -m pytest tests/browser

constraints: $(READY) ## resolve both files of constraints; UPGRADE=1 raises their versions
	@$(COMPILE) --group docs --group fab --group production pyproject.toml -o constraints.txt
	@echo "apache-airflow==2.11.*" | $(COMPILE) --constraint - pyproject.toml -o constraints-oldest.txt

clean: ## remove environments and caches
	rm -rf .venv* .demo docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .nox dist

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found."; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@$(INSTALL) --group docs --group fab --python $(BIN)/python --constraint constraints.txt
	@touch $@

$(OLDEST)/.ready: pyproject.toml constraints-oldest.txt | $(READY)
	@echo "Setting up $(OLDEST) ..."
	@$(BIN)/uv venv --quiet --clear --python '>=3.11,<3.13' $(OLDEST)
	@$(INSTALL) --python $(OLDEST)/bin/python --constraint constraints-oldest.txt
	@touch $@
