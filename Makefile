# make study   install what is pinned and run the default study on all cores
# make test    install what the tests need; lint, format, types, all tests
# make help    every target

PYTHON ?= python3
VENV ?= .venv
CORES ?= all
CONFIG ?= config/config.yaml
DATA ?= data
STUDIES ?= $(basename $(notdir $(wildcard config/studies/replications/*.yaml)))
BIN := $(VENV)/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"
# Targets may follow: --configfile, which takes any number of files, is not last.
SNAKEMAKE := $(RUN) snakemake --configfile $(CONFIG) --cores $(CORES)
# Packages of a module system would come before those that are installed here.
unexport PYTHONPATH
PIP_QUIET := --quiet --disable-pip-version-check
SMK := Snakefile workflow
# A study that was run, by its name, or that of a config.
NAMED = $(or $(STUDY),$(CONFIG))
# The command ewc-lambda.
EWC_LAMBDA := $(BIN)/python -m ewc_lambda

.PHONY: help study figures tables summary report verify unlock test lint format types unit test-slurm test-container test-newcomer findings replications config-table constraints clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /|/' | column -t -s '|'

$(BIN)/snakemake: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("ewc-lambda needs Python 3.11 or newer; name it with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(PIP_QUIET) --constraint constraints.txt --editable .
	@touch $@

$(BIN)/pytest: $(BIN)/snakemake
	$(BIN)/pip install $(PIP_QUIET) --constraint constraints.txt --editable '.[test]'
	@touch $@

$(VENV)/slurm-plugin: $(BIN)/pytest
	$(BIN)/pip install $(PIP_QUIET) --constraint constraints.txt --editable '.[slurm]'
	@touch $@

study: $(BIN)/snakemake ## run the study of CONFIG (config/config.yaml) on CORES (all) cores
	$(SNAKEMAKE)

figures tables: $(BIN)/snakemake ## draw figures / write tables from the study file
	$(SNAKEMAKE) $@

summary: $(BIN)/snakemake ## print the answer of a finished or half-finished study, of STUDY by its name
	@$(EWC_LAMBDA) summary $(NAMED)

report: $(BIN)/snakemake ## one self-contained page, called after the study: digits_report.html
	@$(if $(STUDY),,$(SNAKEMAKE))
	@$(RUN) $(EWC_LAMBDA) report $(NAMED)

verify: $(BIN)/snakemake ## check every file of the study against its recorded digests
	@$(EWC_LAMBDA) verify $(NAMED)

unlock: $(BIN)/snakemake ## after Snakemake itself was killed: let the next run begin
	@$(SNAKEMAKE) --unlock

test: lint types unit ## everything that a change must pass

lint: $(BIN)/pytest ## ruff, snakefmt, snakemake --lint, what may import what
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check $(SMK)
	$(RUN) snakemake --lint
	$(RUN) lint-imports

format: $(BIN)/pytest ## rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt $(SMK)

types: $(BIN)/pytest ## mypy
	$(BIN)/mypy

unit: $(BIN)/pytest
	$(RUN) OMP_NUM_THREADS=1 pytest -m "not slurm and not container and not newcomer" --numprocesses auto --dist loadfile --no-loadscope-reorder

test-container: $(BIN)/pytest ## build the container and run a study in it (needs podman and mmdebstrap)
	$(RUN) pytest tests/container -rs

test-newcomer: $(BIN)/pytest ## every command of docs/getting-started.md in a fresh clone; NEWCOMER_DATA=folder of MNIST
	$(RUN) OMP_NUM_THREADS=1 pytest -m newcomer tests/workflow/test_newcomer.py

test-slurm: $(VENV)/slurm-plugin ## a study through a throw-away SLURM on this machine
	tests/slurm/install.sh
	$(RUN) pytest tests/slurm -rs

findings: $(BIN)/snakemake ## write docs/findings.md, docs/figures.md and their pictures from results/reference
	$(EWC_LAMBDA) findings

config-table: $(BIN)/snakemake ## write the tables of config/README.md from the schema
	$(EWC_LAMBDA) config-table

constraints: ## renew constraints.txt from pyproject.toml
	$(PYTHON) -m venv $(VENV)-pins
	$(VENV)-pins/bin/pip install $(PIP_QUIET) --editable '.[test,slurm]'
	{ head -1 constraints.txt; $(VENV)-pins/bin/pip freeze --exclude-editable | sed 's/+cpu$$//'; } > constraints.new
	mv constraints.new constraints.txt
	rm -r $(VENV)-pins

# Each study goes on where it was stopped; one by name with STUDIES=hsu_task.
replications: $(BIN)/snakemake ## run the studies of docs/replications.md (STUDIES=..., DATA=folder of the data sets)
	@$(EWC_LAMBDA) replications --data-folder $(DATA) --need $(STUDIES)
	for study in $(STUDIES); do \
	    $(RUN) snakemake --cores $(CORES) --configfile config/studies/replications/$$study.yaml --config data_folder=$(DATA) -- results/$$study/study.h5 && \
	    mkdir -p results/reference/replications/$$study && \
	    cp results/$$study/study.h5 results/reference/replications/$$study/ || exit 1; \
	done
	$(EWC_LAMBDA) replications

clean: ## remove logs and the virtual environment; results stay
	rm -rf $(VENV) logs .snakemake/log
