# devopsclaw. `make run` tries it, `make test` tests it; both do all the set-up by themselves.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
T ?= tests
ARGS ?=

PREFIX ?= $(HOME)/.local
HOUSE := $(PREFIX)/share/devopsclaw

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test check fmt lint types generate bench deps vet install uninstall clean help baked

run: baked ## Try it: a small fleet of real nodes on this machine, in a console
	@$(BIN)/devopsclaw demo

test: $(VENV)/.ready-dev baked ## Run every test; one folder and flags: make test T=tests/fleet ARGS=-v
	@$(BIN)/python -m pytest $(T) $(ARGS)

check: $(VENV)/.ready-dev baked ## Format, lint, types and the walls of the architecture; nothing is written
	@$(BIN)/python -m devopsclaw.cli.generate --check
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/architecture

fmt: $(VENV)/.ready-dev ## Format the code
	@$(BIN)/ruff check -q --fix --select I .
	@$(BIN)/ruff format .

lint: $(VENV)/.ready-dev ## Look for mistakes in the code
	@$(BIN)/ruff check .

types: $(VENV)/.ready-dev ## Check the types
	@$(BIN)/mypy

vet: lint types ## Static analysis: lint and types

generate: $(VENV)/.ready-dev ## Write what follows from the operations: commands, schemas, README table
	@$(BIN)/python -m devopsclaw.cli.generate

bench: $(VENV)/.ready-dev baked ## Measure, beside the bare limits
	@$(BIN)/python -m tests.bench $(ARGS)

deps: $(VENV)/.ready-dev baked ## Install the locked dependencies and verify them
	@$(BIN)/python -m pip check

install: $(VENV)/.ready ## Put devopsclaw into ~/.local/bin, in an environment of its own
	@rm -rf build/wheel && $(BIN)/python -m hatchling build -t wheel -d build/wheel >/dev/null
	@$(PYTHON) -m venv --clear '$(HOUSE)'
	@'$(HOUSE)/bin/python' -m pip install -q --require-hashes -r requirements.lock
	@'$(HOUSE)/bin/python' -m pip install -q --no-deps --no-index build/wheel/*.whl
	@mkdir -p '$(PREFIX)/bin' && ln -sf '$(HOUSE)/bin/devopsclaw' '$(PREFIX)/bin/devopsclaw'
	@echo 'installed $(PREFIX)/bin/devopsclaw'
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) echo '  try: export PATH="$(PREFIX)/bin:$$PATH"' ;; esac

uninstall: ## Remove what make install put there; ~/.devopsclaw stays
	@rm -rf '$(HOUSE)' '$(PREFIX)/bin/devopsclaw'
	@echo 'removed $(PREFIX)/bin/devopsclaw; your configuration and state in ~/.devopsclaw are untouched'

clean: ## Remove what was built here, the environment too
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage snapshot_report.html
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Show all targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r target text; do printf '%-16s %s\n' "$$target" "$$text"; done

# The environment. A stamp is as new as the last set-up that succeeded; a change of what it was made
# from makes it again. hatchling is in the lock, so the last step needs no network.

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'error: devopsclaw needs Python 3.11 or newer as "$(PYTHON)"' >&2; \
		echo '  try: make run PYTHON=python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo 'error: this Python has no venv' >&2; \
		echo '  try: sudo apt-get install python3-venv' >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.ready: $(VENV)/.python requirements.lock pyproject.toml hatch_build.py
	@echo 'setting up: installing what requirements.lock names' >&2
	@$(BIN)/python -m pip install -q --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	@echo 'setting up: installing what requirements-dev.lock names' >&2
	@$(BIN)/python -m pip install -q --require-hashes -r requirements-dev.lock
	@touch $@

# What `devopsclaw version` says of this checkout: baked at the set-up, and again whenever make runs and
# git has another commit, so that nobody asks git when it is printed.

baked: $(VENV)/.ready
	@$(BIN)/python hatch_build.py
