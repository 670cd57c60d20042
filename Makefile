# `make help` lists what there is.  Every command makes the environment that it needs.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
export PYTHONHASHSEED := 0

.PHONY: help book test mutations times notebooks figures pictures lab check-book portable links pdf bench clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv .venv

# One stamp for each set of extras, so that the book can be built without PyTorch.
.venv/.book: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install -qq -c constraints.txt $$($(BIN)/python tools/extras.py book)
	@touch $@

.venv/.test: .venv/.book
	$(PIP) install -qq -c constraints.txt -e '.[book,notebook,test]'
	@touch $@

.venv/.lab: .venv/.test
	$(PIP) install -qq -c constraints.txt -e '.[lab]'
	@touch $@

.venv/.bench: .venv/.book
	$(PIP) install -qq -c constraints.txt -e '.[bench]'
	@touch $@

.venv/.browser: .venv/.test
	$(PIP) install -qq -c constraints.txt $$($(BIN)/python tools/extras.py browser)
	@touch $@

book: .venv/.book ## build the book from the executed chapters and open it
	$(BIN)/jupyter-book build . --all -W -n --keep-going -q
	@test -n "$(CI)" || $(BIN)/python -m webbrowser -t "file://$(CURDIR)/_build/html/index.html"

test: .venv/.test ## unit tests, property tests, gates, and every chapter under strict nbval
	$(BIN)/python -m pytest -q -n 2

mutations: .venv/.test ## change every number of the mathematics in turn: each time a test must fail
	$(BIN)/python tools/mutation_scores.py

times: .venv/.test ## time every chapter, alone and on one core, against its budget
	$(BIN)/python tools/chapter_times.py

notebooks: .venv/.test ## execute the chapters and store their outputs
	$(BIN)/python tools/execute_chapters.py

figures: .venv/.test ## record the data behind the chapters' figures
	$(BIN)/python tools/figure_data.py

pictures: .venv/.test ## make the films and the front page's pictures; PICTURES="--only training.gif"
	OMP_NUM_THREADS=1 $(BIN)/python tools/pictures $(PICTURES)

lab: .venv/.lab ## JupyterLab on the chapters; sources open as notebooks
	JUPYTER_CONFIG_DIR=$(CURDIR)/.venv/jupyter $(BIN)/jupytext-config set-default-viewer
	JUPYTER_CONFIG_DIR=$(CURDIR)/.venv/jupyter $(BIN)/jupyter lab --LabApp.default_url=/lab/tree/book/diagonal

check-book: .venv/.browser ## open every built page in headless Chromium, with the network off
	$(BIN)/python -m pytest -q -p no:cacheprovider -o addopts= -o "norecursedirs=.*" tests/browser
	$(BIN)/python tools/check_book.py _build/html

# Other instruction sets and another thread count must give the same digits.
portable: .venv/.test ## re-run the chapters as on an old processor and with two threads
	$(BIN)/python tools/portability.py --setting $(or $(SETTING),old)

links: .venv/.book ## follow the links that lead out of the book
	$(BIN)/jupyter-book build . --builder linkcheck -q

pdf: .venv/.browser ## print the built book as one PDF, _build/book.pdf
	$(BIN)/python tools/print_book.py

bench: .venv/.bench ## measure against other tools; BENCH="--only a-gram", BENCH=--quick
	$(BIN)/python -m benchmarks $(BENCH)

clean: ## remove the built book; the environment stays
	rm -rf _build
