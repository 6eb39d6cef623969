# A thin front: each target prepares .venv and calls one thing. The work is in noxfile.py and scripts/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# For the recipes that run in .venv; scripts/venv itself has to find the machine's own Python.
IN_VENV := env PATH="$(CURDIR)/.venv/bin:$$PATH"
NOX := $(IN_VENV) nox --reuse-existing-virtualenvs --sessions

.PHONY: help
help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand --tabs=16

.PHONY: venv
venv: ## .venv with the pinned tools and envman (made anew only when requirements or pyproject.toml changed)
	@scripts/venv

.PHONY: demo
demo: venv ## the main job, end to end, on a real engine: scaffold, up, train, predict, switch, down
	@scripts/engine run $(IN_VENV) python scripts/demo.py

.PHONY: test
test: venv ## lint, types, unit tests on the oldest and newest Python here, then the suite on a real engine
	@scripts/prerequisites
	@scripts/engine run $(NOX) lint types unit tests

.PHONY: nightly
nightly: venv ## what takes minutes, of which `test` has a smaller one of each kind; the other Pythons
	@scripts/prerequisites
	@scripts/engine run $(NOX) between nightly

.PHONY: check
check: venv ## lint, types and the tests that need no engine
	@$(NOX) lint types quick

.PHONY: lint
lint: venv ## ruff, and shellcheck where it is installed
	@$(NOX) lint

.PHONY: types
types: venv ## mypy, strict
	@$(NOX) types

.PHONY: bench
bench: venv ## envman beside docker compose, in one run
	@scripts/engine run $(NOX) bench

.PHONY: fuzz
fuzz: venv ## the property tests, for much longer than 'make test' does
	@$(NOX) fuzz

.PHONY: lock
lock: ## renew requirements/dev.txt
	@scripts/lock

.PHONY: clean
clean: ## remove what these targets made in this folder; the engine's data goes with 'scripts/engine purge'
	@rm -rf .venv .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
