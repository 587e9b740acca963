.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/kanade-reconciler/kanade
KANADE := $(CACHE)/0.101.0/bin
KANADE_BEFORE := $(CACHE)/0.100.0/bin
# Unoptimised and without debug information: what is tested is what it does, not how fast.
CARGO_INSTALL := CARGO_TARGET_DIR=$(CACHE)/target CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --debug --locked

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-14s %s\n", $$1, $$2}'

demo: $(READY) ## A whole fleet on this machine: commit a version, see it proved, healed and refused
	$(BIN)/reconciler demo

test: $(READY) ## The whole suite, on the embedded fleet
	$(BIN)/pytest -n 2 -m "not kanade and not slow"

check: lint types imports test ## What CI runs

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

kanade: $(KANADE)/kanade-backend $(KANADE)/kanade-agent $(KANADE)/kanade $(KANADE_BEFORE)/kanade-backend ## Build the real kanade into a cache outside of the repository

$(KANADE)/%:
	$(CARGO_INSTALL) --root $(CACHE)/0.101.0 --version 0.101.0 $*

$(KANADE_BEFORE)/%:
	$(CARGO_INSTALL) --root $(CACHE)/0.100.0 --version 0.100.0 $*

test-kanade: $(READY) ## The contract suite and a whole update on the real kanade
	$(BIN)/pytest -m kanade

bench: $(READY) ## Speed and memory, as ratios against an anchor in the same run
	$(BIN)/python -m tests.bench

requirements: ## Pin again what pyproject.toml allows (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --extra lab --group dev pyproject.toml -o requirements.txt

.PHONY: help demo test check setup format lint types imports kanade test-kanade bench requirements
