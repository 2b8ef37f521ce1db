# Commands of the project. `make` lists them. Works with GNU make 3.81 and later and any POSIX shell.
#
# Settings, given as NAME=value after the target:
#   PYTHON    the Python that makes .venv (default: the first of PYTHONS that is 3.11 or newer)
#   PIP_ARGS  passed on to pip
#   EXTRAS    what is installed beside the package (default: dev,all)
#   PORT      the port of JupyterLab (default: the first free one from 8888 on)
#   TESTS     what the tests are limited to, as pytest takes it (a file, -k EXPRESSION)
#   WORKERS   processes that test at once, each on one thread (default: 2); files go in their own order, as
#             the longest, of the browser, have few tests and would come last
#   NEED_MB   free disk space asked for before the environment is made (3000; with a CUDA torch about 8000)

SHELL    := /bin/sh
PYTHONS  := python3.13 python3.12 python3.11 python3 python
EXTRAS   ?= dev,all
PIP_ARGS ?=
NEED_MB  ?= 3000
WORKERS  ?= 2

VENV     := .venv
PY       := $(VENV)/bin/python
STAMP    := $(VENV)/.installed
HALF     := $(VENV)/.half-made
PIP_LOG  := build/pip.log
NOTEBOOK := notebooks/00_start_here.ipynb

.DEFAULT_GOAL := help
.PHONY: help env lab demo test test-all notebooks figures lint clean

help:  ## this list
	@echo "onedheat: make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' Makefile
	@echo "The first start makes .venv; settings such as PORT= and PYTHON= are explained at the top of the Makefile."

env: $(STAMP)  ## make the environment .venv (the other targets do this by themselves)
	@echo "onedheat: .venv is ready; . .venv/bin/activate enters it"

lab: $(STAMP)  ## open JupyterLab at the first notebook (PORT=8890 for a port of your own)
	@PORT="$(PORT)" $(PY) -m onedheat.course.lab $(NOTEBOOK)

demo: $(STAMP)  ## run the first notebook without a browser; page and pictures go to build/demo
	@$(PY) -m onedheat.course.execute --out build/demo $(NOTEBOOK)

test: $(STAMP)  ## the quick tier of tests
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

test-all: $(STAMP)  ## every test at its full count
	@ONEDHEAT_TESTS=all $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "slow or not slow" $(TESTS)

notebooks: $(STAMP)  ## execute every notebook from a clean kernel and store its outputs
	@$(PY) -m onedheat.course.execute

figures: $(STAMP)  ## make the pictures of figures/ again
	@$(PY) -m onedheat.course.figures

lint: $(STAMP)  ## ruff, over code and notebooks
	@$(PY) -m ruff check .

clean:  ## remove what commands made: build/ and caches (.venv and runs/ stay)
	@rm -rf build dist .pytest_cache .ruff_cache .hypothesis *.egg-info
	@find . \( -name .venv -o -name runs -o -name .git \) -prune -o \
	    \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -exec rm -rf {} +

# The environment. The stamp is written last, so an attempt that was cut short is never taken for whole.
# While pip works the mark $(HALF) lies in .venv; found at the next start, it means that pip was killed
# between two packages, and .venv is made anew. Every failure ends in one sentence on what to do next.
say_stop = { printf '\nonedheat: %s\n' "$$1" >&2; exit 1; }
free_mb  = df -Pk "$$d" 2>/dev/null | awk 'NR==2 {print int($$4/1024)}'

$(STAMP): pyproject.toml constraints.txt
	@stop() $(say_stop); \
	free_mb() { d="$$1"; $(free_mb); }; \
	good() { command -v "$$1" >/dev/null 2>&1 && \
	    "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
	\
	if [ -e $(HALF) ] || ! { good $(PY) && $(PY) -m pip --version >/dev/null 2>&1; }; then \
	    python=""; \
	    if [ -n "$(PYTHON)" ]; then \
	        good "$(PYTHON)" || stop "PYTHON=$(PYTHON) is not a Python 3.11 or newer that runs; give the path of one, for example: make $(MAKECMDGOALS) PYTHON=/usr/bin/python3.12"; \
	        python="$(PYTHON)"; \
	    else \
	        for p in $(PYTHONS); do if good "$$p"; then python="$$p"; break; fi; done; \
	        [ -n "$$python" ] || stop "No Python 3.11 or newer was found (tried $(PYTHONS)); install one from python.org or your system's packages, then run the same command again, with PYTHON=/path/to/python if it is not on the PATH."; \
	    fi; \
	    "$$python" -c 'import venv, ensurepip' >/dev/null 2>&1 || \
	        stop "$$python lacks its venv module; install it (on Debian and Ubuntu the package python3-venv), then run the same command again."; \
	    rm -rf $(VENV); \
	    mb=$$(free_mb .); \
	    [ "$${mb:-$(NEED_MB)}" -ge "$(NEED_MB)" ] || \
	        stop "Only $$mb MB are free on the disk of $$(pwd), and the environment takes about $(NEED_MB) MB; free some space, then run the same command again."; \
	    echo "onedheat: making $(VENV) with $$("$$python" --version 2>&1)"; \
	    "$$python" -m venv $(VENV) || \
	        stop "The environment could not be made in $$(pwd)/$(VENV) ($$(free_mb .) MB are free there); see the line above, free space or permit writing, then run the same command again."; \
	fi; \
	\
	{ mkdir -p build && printf '' > $(PIP_LOG) && printf '' > $(HALF); } 2>/dev/null || stop "Nothing can be written to $$(pwd); free space or permit writing, then run the same command again."; \
	echo "onedheat: installing the package and what it needs (about $(NEED_MB) MB; some minutes the first time)"; \
	if $(PY) -m pip install --disable-pip-version-check --log $(PIP_LOG) -c constraints.txt $(PIP_ARGS) -e ".[$(EXTRAS)]"; then \
	    rm -f $(HALF); printf '' 2>/dev/null > $@ || stop "The disk of $$(pwd) is full; free some space, then run the same command again."; \
	else \
	    tmp="$${TMPDIR:-/tmp}"; here=$$(free_mb .); there=$$(free_mb "$$tmp"); \
	    if grep -q -i -e 'no space left' -e 'errno 28' -e 'disk quota' $(PIP_LOG) 2>/dev/null || \
	        [ "$${here:-999}" -lt 50 ] || [ "$${there:-999}" -lt 50 ]; then \
	        stop "The disk is full: $$here MB are left in $$(pwd) and $$there MB in $$tmp, and the environment takes about $(NEED_MB) MB in the first and 1000 MB in the second; free space or set TMPDIR to a roomier folder, then run the same command again."; \
	    elif grep -q -i -e 'retrying (retry' -e 'connection broken' -e 'connectionerror' -e 'name resolution' -e 'timed out' -e 'proxyerror' -e 'network is unreachable' $(PIP_LOG); then \
	        rm -f $(HALF); \
	        stop "The package index could not be reached; check the network (or the proxy, or pip's index setting), then run the same command again (pip's log: $(PIP_LOG))."; \
	    else \
	        stop "pip could not install the environment; $(PIP_LOG) says why near its end, and running the same command again is safe."; \
	    fi; \
	fi
