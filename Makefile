# On a fresh machine with Python >= 3.11 and make, every target alone makes the environment it needs.
#   make demo PYTHON=python3.12            another Python
#   make demo ARGS="--help"                arguments for what is run
#   make test-all JTRANSFER_DATA=~/data    where the real data sets are

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
NEWEST := .venv-newest
# A process a core; tests of one file stay together as long as no process is idle.
WORKERS := -n auto --dist worksteal

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-all test-newest lint docs docs-links bench release-check clean

help: ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 18

demo: $(VENV)/.installed ## digits from fonts -> on photographs: source only, DANN, mean teacher, train on target
	$(BIN)/python -m experiments.adapt_digits --methods source dann teacher target $(ARGS)

# A test's program runs once, on numbers that fit on a page: compiling it takes longer by far. Without
# optimizations, by XLA's older emitters and in one piece, it takes a fifth of the time. (The tested
# version has these flags; the newest, of test-newest, refuses the one of the emitters.)
test: $(VENV)/.installed-dev ## the tests that need nothing but this repository
	JAX_DISABLE_MOST_OPTIMIZATIONS=1 \
		XLA_FLAGS="--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1" \
		$(BIN)/python -m pytest $(WORKERS) $(ARGS)

test-all: $(VENV)/.installed-dev $(VENV)/.installed-torch ## and those that need real data (JTRANSFER_DATA), PyTorch or minutes
	$(BIN)/python -m pytest $(WORKERS) -m '' $(ARGS)

# Not by constraints.txt but by pyproject.toml alone, and brought up to date at every call.
test-newest: | $(NEWEST)/bin/python ## as test, with the newest versions of everything, in an environment of its own
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		--upgrade --upgrade-strategy eager --editable ".[dev]"
	JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(NEWEST)/bin/python -m pytest $(WORKERS) $(ARGS)

lint: $(VENV)/.installed-dev ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright

bench: $(VENV)/.installed-torch ## time the steps and an epoch against PyTorch, probes against scikit-learn, ESZSL against NumPy
	$(BIN)/python -m experiments.throughput.steps
	$(BIN)/python -m experiments.throughput.operations
	$(BIN)/python -m experiments.throughput.together
	$(if $(JTRANSFER_DATA),$(BIN)/python -m experiments.throughput.epoch --images 12800)
	$(if $(JTRANSFER_DATA),$(BIN)/python -m experiments.throughput.first_step)
	$(BIN)/python -m experiments.throughput.sizes
	$(BIN)/python -m experiments.throughput.features $(if $(JTRANSFER_DATA),--data folder:caltech101)
	$(BIN)/python -m experiments.throughput.pipeline $(if $(JTRANSFER_DATA),--data folder:caltech101)
	$(BIN)/python -m experiments.throughput.probe --classes 50
	$(BIN)/python -m experiments.throughput.eszsl
	$(BIN)/python -m experiments.report

docs: $(VENV)/.installed-docs ## the site, in build/site; its tutorials are run
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -b html docs build/site $(ARGS)

docs-links: $(VENV)/.installed-docs ## the links of the site to other sites; needs a network
	$(BIN)/python -m sphinx -b linkcheck -D nb_execution_mode=off docs build/links $(ARGS)

release-check: $(VENV)/.installed-release ## build wheel and sdist, install them elsewhere, use them
	$(BIN)/python tests/release_check.py

clean: ## remove the environment and caches; checkpoints/ stays
	rm -rf $(VENV) $(NEWEST) .pytest_cache .ruff_cache .hypothesis build dist
	find jtransfer experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call install,EXTRAS): install the package as it lies here, with the tested versions.
define install
	@echo "installing jtransfer$(1) into $(VENV); the first time this takes a few minutes"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable ".$(1)"
	@touch $@
endef

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(call install)

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,[dev])
	@touch $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,[docs])
	@touch $(VENV)/.installed

$(VENV)/.installed-release: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,[release])
	@touch $(VENV)/.installed

# Any build of PyTorch does; where the CPU build is found first (pip's own settings), it is small.
$(VENV)/.installed-torch: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,[torch])
	@touch $(VENV)/.installed

$(BIN)/python $(NEWEST)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "jtransfer needs Python 3.11 or newer, and '$(PYTHON)' is older or missing;" \
			"name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "creating $(@:/bin/python=)"
	@$(PYTHON) -m venv $(@:/bin/python=) || { rm -rf $(@:/bin/python=); \
		echo "'$(PYTHON)' cannot make virtual environments; install its venv module" \
			"(python3-venv on Debian and Ubuntu)"; exit 1; }
