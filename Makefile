# `make demo` and `make test` set everything up by themselves; a second call installs nothing.
PYTHON ?= python3
VENV   ?= .venv
DATA   ?= data
OUT    ?= runs
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.seat_interp
DEMO_STAMP := $(STAMP)-core
TEST_STAMP := $(STAMP)-test
BROWSER_STAMP := $(STAMP)-browser
DOCS_STAMP := $(STAMP)-docs
FIGURES_STAMP := $(STAMP)-figures
SITE := build/docs
CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name) 2>/dev/null)))

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-docs test-slow test-browser test-notebooks test-real docs real organism figures notebooks lint format clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(DEMO_STAMP): pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh "$(PYTHON)" "$(VENV)" "-e ."
	@touch $@

$(TEST_STAMP): pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh "$(PYTHON)" "$(VENV)" "-e .[lens,nnsight,peft,gguf,train,sweep,stats,notebooks,test]"
	@touch $(DEMO_STAMP) $@

$(BROWSER_STAMP): $(TEST_STAMP)
	@bash scripts/setup.sh "$(PYTHON)" "$(VENV)" "-e .[test,browser]"
	@touch $@

$(DOCS_STAMP): pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh "$(PYTHON)" "$(VENV)" "-e .[docs]"
	@touch $(DEMO_STAMP) $@

$(FIGURES_STAMP): pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh "$(PYTHON)" "$(VENV)" "-e .[stats]"
	@touch $(DEMO_STAMP) $@

setup: $(DEMO_STAMP)  ## the environment alone

demo: $(DEMO_STAMP)  ## the main job on the embedded organism: base, full FT, SEAT
	@$(BIN)/seat-interp demo --out $(OUT)/demo

test: $(TEST_STAMP)  ## lint, types and tests
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2

test-docs: $(TEST_STAMP)  ## run every block of code in README and docs
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m docs --numprocesses 2

test-slow: $(TEST_STAMP)  ## tests that take minutes
	@$(BIN)/python -m pytest -m slow

test-browser: $(BROWSER_STAMP)  ## the pages of results in headless Chromium
	@test -n "$(CHROMIUM)" || { echo "There is no Chromium here: install your system's package, or name one: make test-browser CHROMIUM=path/to/chrome." >&2; exit 1; }
	@CHROMIUM="$(CHROMIUM)" $(BIN)/python -m pytest -m browser

test-real: $(TEST_STAMP)  ## tests on real data and a real model (DATA=folder)
	@SEAT_INTERP_DATA=$(DATA) $(BIN)/python -m pytest -m real

docs: $(DOCS_STAMP)  ## build the documentation, warnings as errors
	@$(BIN)/sphinx-build -q -W --keep-going -d build/doctrees docs $(SITE)
	@echo "Documentation: $(SITE)/index.html"

test-notebooks: $(TEST_STAMP)  ## run every notebook, minutes
	@$(BIN)/python -m pytest -m notebooks

real: $(TEST_STAMP)  ## SmolLM2-135M-Instruct on PISTOL, hours on two cores (DATA=folder)
	@$(BIN)/python -m analyses.smollm2.headline --data $(DATA)

# In the order in which they read each other.
STUDIES := tuning tuning_sparsity arms ablations sparsity over_abstention "rounds --arms full full_ep_kl seat tether" \
	drift paraphrases pca prediction patching
organism: $(TEST_STAMP)  ## every study of arms on the organism anew, over the saved results; an hour and a half on two cores
	@for study in $(STUDIES); do set -- $$study; name=$$1; shift; \
		echo "organism_$$name"; OMP_WAIT_POLICY=passive $(BIN)/python -m analyses.organism.$$name "$$@" || exit 1; done
	@$(BIN)/python -m analyses.papers.seat

figures: $(FIGURES_STAMP)  ## redraw every figure from the saved results
	@$(BIN)/python -m analyses.figures
	@PYTHONPATH=. $(BIN)/python docs/gallery.py

notebooks: $(TEST_STAMP)  ## run the notebooks' scripts and keep what they show, minutes
	@$(BIN)/python scripts/notebooks.py

lint: $(TEST_STAMP)  ## ruff and mypy only
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: $(TEST_STAMP)  ## let ruff rewrite the files
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

clean:  ## remove the virtual environment; runs stay
	rm -rf $(VENV)
