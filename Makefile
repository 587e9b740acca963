.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/kanade-reconciler/kanade
KANADE := $(CACHE)/0.101.0/bin
KANADE_BEFORE := $(CACHE)/0.100.0/bin
# Unoptimised and without debug information: what is tested is what it does, not how fast.
CARGO_INSTALL := CARGO_TARGET_DIR=$(CACHE)/target CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --debug --locked

# Compiled once, and not again by each worker and each command that a test starts.
export PYTHONDONTWRITEBYTECODE :=

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-14s %s\n", $$1, $$2}'

demo: $(READY) ## A whole fleet on this machine: commit a version, see it proved, healed and refused
	$(BIN)/reconciler demo

# What needs a Chromium or makes up requests has a target of its own: importing it takes long, too.
ELSEWHERE := tests/serve/browser tests/serve/test_openapi.py

test: $(READY) ## The whole suite, on the embedded fleet
	$(BIN)/pytest -n 4 --dist worksteal -m "not kanade and not slow" -p no:schemathesis $(ELSEWHERE:%=--ignore=%)

test-again: $(READY) ## What has failed the last time, one after the other
	$(BIN)/pytest --last-failed --last-failed-no-failures none

test-faults: $(READY) ## All is killed, frozen, cut off, filled up and lost, in real processes; and what else takes long
	$(BIN)/pytest -n 3 -m "slow and not kanade and not browser" --ignore=tests/docs

.PHONY: test-browser
test-browser: $(READY) ## The page in a real Chromium, in all its looks; screenshots in build/
	$(BIN)/pytest -m browser

walk: $(READY) ## README's commands on a clean clone in an environment of its own, and docs' on a fleet
	$(BIN)/python -m tests.walk
	$(BIN)/pytest -m slow tests/docs

check: lint types imports test ## Style, types, imports and the suite: what every change must pass

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

test-kanade: $(READY) ## The contract suite, a whole update and the kill loop on the real kanade
	$(BIN)/pytest -m kanade

simulate: $(READY) ## Play SEEDS=1000 of each scene under faults, or one again by its SEED= and SCENE=
	$(BIN)/python -m tests.simulation --scene $(or $(SCENE),all) \
	  $(if $(SEED),--first $(SEED) --seeds 1 --trace,--first $(or $(FIRST),0) --seeds $(or $(SEEDS),1000))

mutants: $(READY) ## Faults put into the source on purpose: the simulator finds each
	$(BIN)/pytest -m slow tests/simulation/test_mutants.py

soak: $(READY) ## The same with new seeds, for MINUTES=60
	$(BIN)/python -m tests.simulation --minutes $(or $(MINUTES),60)

figures: $(READY) ## What all of these have counted; fails where a promise is broken or a figure missing
	$(BIN)/python -m tests.support.reliability

figures-anew: $(READY) ## Forget what earlier runs have counted
	$(BIN)/python -m tests.support.reliability --anew

bench: $(READY) ## Speed and memory, as ratios against an anchor in the same run
	$(BIN)/python -m tests.bench

docs: $(READY) ## Write docs/reference again, from schemas, commands and code
	$(BIN)/python -m docs.generate

picture: $(READY) ## Draw README's picture again, of what the demo prints
	$(BIN)/reconciler demo | $(BIN)/python -m docs.generate.picture

requirements: ## Pin again what pyproject.toml allows (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --extra lab --extra otel --group dev pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --extra otel --group build --constraint requirements.txt \
	  pyproject.toml -o examples/container/requirements.txt

.PHONY: help demo test test-again walk check setup format lint types imports kanade test-kanade test-faults simulate mutants soak figures figures-anew bench docs picture requirements
