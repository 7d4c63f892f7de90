# make run     the program; the first time everything is installed into .venv, later it starts at once
# make test    lint, types and every test        make lint    ruff and mypy alone
# make bench   side-by-side runs against peers, written to docs/benchmarks.md
# make setup   .venv alone, with everything for run, test and bench        make clean   remove it again
#
# Needs Python 3.11, 3.12 or 3.13 and no compiler. Another Python: make setup PYTHON=/path/to/python3.12
# Arguments go through: make run ARGS="--data-dir /tmp/faces", make test ARGS="-k photos"

PYTHON ?=
ARGS ?=
BIN := .venv/bin
STAMP := .venv/installed

.PHONY: setup run test lint bench clean
.DEFAULT_GOAL := setup

setup: $(STAMP)
	@echo "Ready: make run, make test"

run: $(STAMP)
	@$(BIN)/python main.py $(ARGS)

test: lint
	$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

bench: $(STAMP)
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf packaging/dlib/build packaging/dlib/*.egg-info

$(STAMP): requirements.txt packaging/dev-requirements.txt packaging/constraints.txt packaging/dlib/pyproject.toml
	@python=$$(PYTHON="$(PYTHON)" packaging/find-python.sh) && "$$python" packaging/setup.py
