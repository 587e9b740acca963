.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-14s %s\n", $$1, $$2}'

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY) ## Make the virtual environment, with pinned and hash-checked packages

format: $(READY) ## Rewrite the sources in our style
	$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format .

lint: $(READY) ## Style and likely mistakes
	$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

imports: $(READY) ## Data flows one way
	$(BIN)/lint-imports

test: $(READY) ## The whole suite on the embedded fleet
	$(BIN)/pytest -n 2 -m "not kanade and not slow"

check: lint types imports test ## What CI runs

requirements: ## Pin again what pyproject.toml allows
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --extra lab --group dev pyproject.toml -o requirements.txt

.PHONY: help setup format lint types imports test check requirements
