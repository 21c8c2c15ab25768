# `make demo` and `make test` are all a fresh machine needs: python3 >= 3.11 with pip, make and git.
# Everything they install stays in this folder: .venv is the environment, .tools the installer.

PYTHON ?= python3
BIN := .venv/bin
UV := .tools/bin/uv
READY := .venv/ready
WORDS := benchmarks/.words

.PHONY: help demo test check accuracy league peers docs lock clean

help:           ## list the commands
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(READY)  ## pretrain on the embedded sample, judge it, and write a report (a few minutes)
	$(BIN)/unlabeled demo

test: $(READY)  ## lint, types, import contract, tests, documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

accuracy: $(READY)  ## the best frozen features that ten minutes of two cores give on Fashion-MNIST
	$(BIN)/python -m benchmarks.accuracy

league: $(READY) $(WORDS)/ready ## every method on real data, beside its baselines; resumable
	UNLABELED_DATA=$(WORDS) $(BIN)/python -m benchmarks.league

peers: $(READY)     ## speed against other libraries, paired, in an environment of their own
	benchmarks/peers/all.sh

docs: $(READY)      ## write the generated pages anew
	$(BIN)/python docs/generate.py

lock:           ## resolve and pin every dependency anew
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-package unlabeled requirements.in -o requirements.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header requirements-tools.in -o requirements-tools.lock

$(UV): requirements-tools.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "unlabeled needs Python 3.11 or newer; try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --require-hashes --target .tools -r requirements-tools.lock
	@touch $(UV)

$(READY): requirements.lock pyproject.toml $(UV)
	$(UV) venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" .venv
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)

$(WORDS)/ready: benchmarks/words.lock
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes --dest $(WORDS) -r benchmarks/words.lock
	@touch $@

clean:          ## remove what make installed
	rm -rf .venv .tools benchmarks/.venv-peers $(WORDS)
