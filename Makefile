# `make demo` and `make test` set everything up by themselves; a second call installs nothing.
PYTHON ?= python3
VENV   ?= .venv
DATA   ?= data
OUT    ?= runs
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.seat_interp
DEMO_STAMP := $(STAMP)-core
TEST_STAMP := $(STAMP)-test

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-real test-notebooks real figures notebooks lint format clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(DEMO_STAMP): pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh "$(PYTHON)" "$(VENV)" "-e ."
	@touch $@

$(TEST_STAMP): pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh "$(PYTHON)" "$(VENV)" "-e .[lens,nnsight,peft,gguf,train,sweep,stats,notebooks,test]"
	@touch $(DEMO_STAMP) $@

demo: $(DEMO_STAMP)  ## the main job on the embedded organism: base, full FT, SEAT
	@$(BIN)/seat-interp demo --out $(OUT)/demo

test: $(TEST_STAMP)  ## lint, types and tests
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2

test-slow: $(TEST_STAMP)  ## tests that take minutes
	@$(BIN)/python -m pytest -m slow

test-real: $(TEST_STAMP)  ## tests on real data and a real model (DATA=folder)
	@SEAT_INTERP_DATA=$(DATA) $(BIN)/python -m pytest -m real

test-notebooks: $(TEST_STAMP)  ## run every notebook, minutes
	@$(BIN)/python -m pytest -m notebooks

real: $(TEST_STAMP)  ## SmolLM2-135M-Instruct on PISTOL, hours on two cores (DATA=folder)
	@$(BIN)/python analyses/real_smollm2.py --data $(DATA)

figures: $(DEMO_STAMP)  ## redraw every figure from the saved results
	@$(BIN)/python analyses/figures.py

notebooks: $(TEST_STAMP)  ## run the notebooks' scripts and keep what they show, minutes
	@$(BIN)/python scripts/notebooks.py

lint: $(TEST_STAMP)  ## ruff and mypy only
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: $(TEST_STAMP)  ## let ruff rewrite the files
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

clean:  ## remove the virtual environment; runs stay
	rm -rf $(VENV)
