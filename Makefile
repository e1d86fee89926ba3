PYTHON = .venv/bin/python
# Two processes, each file in one of them; name a file or a folder to test it in one process.
PYTEST = $(PYTHON) -m pytest -n 2 --dist loadfile

# The quick tests' two processes share nothing: each imports its own files alone, and the second one no PyTorch.
# Files of slow tests alone are not even imported: Keras or a browser take seconds.
NETWORKS = $(wildcard $(addprefix test/,angle crnn ctpn detection parity recognition spotting train))
QUICK = $(PYTHON) -m pytest -q -m "not slow" \
	$$(grep -rlE '^(pytestmark = .*|    )pytest\.mark\.slow' test | sed 's/^/--ignore=/')

# Tests start many processes, and pytest rewrites what it imports: compiled once, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup format lint type test test-networks test-reading test-all demo ci

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 12

setup:  ## make .venv with everything for development
	sh setup-cpu.sh --dev

format:  ## rewrite the code in the project's format
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint:  ## check format and lint
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

type:  ## check types
	$(PYTHON) -m mypy

test:  ## run the quick tests
	@$(MAKE) --no-print-directory --jobs=2 --keep-going test-networks test-reading

test-networks:
	$(QUICK) $(NETWORKS)

test-reading:
	$(QUICK) $(NETWORKS:%=--ignore=%) test

test-all:  ## run all tests
	$(PYTEST)

demo:  ## read the example page
	$(PYTHON) demo.py test/data/page.png

ci:  ## everything that runs before a merge
	.ci/run
