PYTHON = .venv/bin/python
# Two processes, each file in one of them; name a file or a folder to test it in one process.
PYTEST = $(PYTHON) -m pytest -n 2 --dist loadfile

.PHONY: help setup format lint type test test-all demo ci

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

# All tests of these two globs are slow: Keras alone takes seconds to import.
test:  ## run the quick tests
	$(PYTEST) -m "not slow" --ignore-glob="*keras*" --ignore-glob="*shipped*"

test-all:  ## run all tests
	$(PYTEST)

demo:  ## read the example page
	$(PYTHON) demo.py test/data/page.png

ci:  ## everything that runs before a merge
	.ci/run
