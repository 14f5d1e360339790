# make demo    the whole chain on the virtual deck, into ./tape-demo
# make test    lint, types and tests (the long studies are `make study`)
#
# Everything else is set up on the way: a virtual environment in .venv with the versions of constraints.txt.
# PIP_ARGS is handed to pip, for an index or a cache of one's own.

VENV := .venv
STAMP := $(VENV)/installed
RUN := $(VENV)/bin/python -m
PYTHONS := python3 python3.13 python3.12 python3.11 python
PIP_ARGS ?=
WORKERS ?= 2

# Every test process would start as many threads as there are cores.
TEST_ENVIRONMENT := OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1

.PHONY: help install demo test check study system-deps clean

help:
	@sed -n 's/^# //p' Makefile

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@python=""; unfit=""; \
	for candidate in $(PYTHONS); do \
	    $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	    if $$candidate -c 'import ensurepip, venv' >/dev/null 2>&1; then python=$$candidate; break; fi; \
	    unfit=$$candidate; \
	done; \
	if [ -z "$$python" ] && [ -n "$$unfit" ]; then \
	    echo "$$unfit cannot make a virtual environment: install the package python3-venv, then run make again." >&2; exit 1; \
	elif [ -z "$$python" ]; then \
	    echo "No Python 3.11 or newer among $(PYTHONS): install one, then run make again." >&2; exit 1; \
	fi; \
	echo "Installing into $(VENV) with $$($$python --version); the first time takes some minutes."; \
	$$python -m venv $(VENV)
	@$(RUN) pip install --quiet --disable-pip-version-check -c constraints.txt $(PIP_ARGS) -e ".[dev]"
	@touch $(STAMP)

demo: $(STAMP)
	@$(VENV)/bin/tape demo

test: check

check: $(STAMP)
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(TEST_ENVIRONMENT) $(RUN) pytest -n $(WORKERS) -m "not slow"

study: $(STAMP)
	$(TEST_ENVIRONMENT) $(RUN) pytest -n $(WORKERS) -m slow

# What some tests compare with or go through; without it those tests are skipped and say so.
system-deps:
	@missing=""; \
	command -v sox >/dev/null 2>&1 || missing="$$missing sox"; \
	command -v pdftotext >/dev/null 2>&1 || missing="$$missing poppler-utils"; \
	command -v jackd >/dev/null 2>&1 || missing="$$missing jackd2"; \
	[ "$$(uname)" != Linux ] || PATH="$$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q libportaudio || missing="$$missing libportaudio2"; \
	if [ -z "$$missing" ]; then echo "System packages: all there."; exit 0; fi; \
	become=""; [ "$$(id -u)" = 0 ] || become="sudo -n"; \
	if ! command -v apt-get >/dev/null 2>&1; then \
	    if command -v brew >/dev/null 2>&1 || [ "$$(uname)" = Darwin ]; then echo "Run: brew install sox poppler jack"; \
	    else echo "No apt-get here: install$$missing by hand, or some tests are skipped."; fi; \
	elif ! $$become true 2>/dev/null; then \
	    echo "Not allowed to install: run 'sudo apt-get install$$missing', or some tests are skipped."; \
	elif ! { $$become apt-get -qq update && $$become env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing; }; then \
	    echo "apt-get could not install$$missing; some tests are skipped."; \
	fi

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
