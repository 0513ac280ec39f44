# From a fresh clone: `make demo`. Needs python3 (3.11 or newer, with venv), make and a package registry.
# Every target sets up what it needs by itself; the second time that costs nothing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
# So many processes run tests beside each other; those of the whole stack wait more than they work.
PROCESSES ?= 2
STACKS ?= 3
UV := $(or $(shell command -v uv),.cache/uv/bin/uv)
export UV_PYTHON_DOWNLOADS := never

BIN := .venv/bin
SAM := .cache/sam/bin/sam
WORKSPACE := layers/stillmotion local cli
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header $(if $(UPGRADE),--upgrade)
# `sam validate` and cfn-lint want a region and credentials to be there; neither calls AWS.
NO_AWS := env -u AWS_PROFILE AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 \
	AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null SAM_CLI_TELEMETRY=0

# Taken as typed, with any quotes and dollar signs, into the environment of the demo.
export STILLMOTION_DEMO_IMAGE = $(value IMAGE)
export STILLMOTION_DEMO_PROMPT = $(value PROMPT)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /\1|/' | while IFS='|' read -r target what; do \
		printf '  make %-8s %s\n' "$$target" "$$what"; done

.PHONY: setup
setup: .venv/.ready ## Make .venv with the pinned tools and the workspace's packages

.PHONY: demo
demo: .venv/.ready ## Turn a photograph into a video on the local cloud [IMAGE=photo.jpg] [PROMPT="…"]
	@$(BIN)/python -m stillmotion_local.demo

.PHONY: picture
picture: .venv/.ready ## Make docs/demo.webp from the video that `make demo` made
	@$(BIN)/python -m stillmotion_local.demo_picture

.PHONY: test
test: .venv/.ready tools ## Run every test
	$(BIN)/pytest --numprocesses $(PROCESSES) --dist loadfile tests/unit tests/contract tests/workflow $(ARGS)
	$(BIN)/pytest --numprocesses $(STACKS) --dist loadfile --no-loadscope-reorder tests/e2e $(ARGS)

.PHONY: contract
contract: .venv/.ready ## Send the API what its document allows, and what it does not: 2,000 cases [CASES=60 of each operation]
	CONTRACT_CASES=$(or $(CASES),60) $(BIN)/pytest --quiet tests/contract/openapi

.PHONY: chaos
chaos: .venv/.ready tools ## Break everything while many jobs run, and account for the money [JOBS=500] [SEED=1] [JSON=file]
	@$(BIN)/python -m stillmotion_local.chaos --jobs $(or $(JOBS),500) --seed $(or $(SEED),1) \
		$(if $(JSON),--json '$(JSON)')

.PHONY: check
check: .venv/.ready tools ## Lint and type-check everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache # the layers, as pyproject.toml has them
	$(NO_AWS) $(SAM) validate --lint
	$(BIN)/cfn-lint template.yaml
	$(BIN)/pytest --quiet tests/unit/template/test_definition.py # statelint, which has to be told of JSONata waits
	$(BIN)/pytest --quiet tests/unit/startup # no function imports a library that its way does not use

.PHONY: build
build: .venv/.ready tools ## Build the stack for AWS, as `sam deploy` wants it
	UV="$$(realpath $(UV))" $(SAM) build

.PHONY: pins
pins: $(UV) ## Compile the requirement files anew [UPGRADE=1 takes newer versions]
	for source in requirements/*.in; do \
		echo "Compiling $$source"; $(COMPILE) "$$source" --output-file "$${source%.in}.txt"; done
	@echo "Compiling layers/stillmotion/requirements.in: the versions that are tested are those that are deployed"
	$(COMPILE) layers/stillmotion/requirements.in --constraint requirements/dev.txt \
		--output-file layers/stillmotion/requirements.txt

.PHONY: clean
clean: ## Stop the local stack and delete everything that was built
	@if [ -x $(BIN)/stillmotion ]; then $(BIN)/stillmotion local down; fi
	rm -rf .local .aws-sam .cache .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(WORKSPACE) functions tests -name __pycache__ -type d -prune -exec rm -rf {} +

define REFUSE_OLD_PYTHON
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "Stillmotion needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; \
	echo "Say which one to use: make setup PYTHON=python3.13" >&2; exit 1; }
endef

.venv/.ready: requirements/dev.txt $(WORKSPACE:%=%/pyproject.toml) | $(UV)
	@$(REFUSE_OLD_PYTHON)
	@echo "Installing the pinned tools into .venv (the first time takes a minute)"
	@[ -e $@ ] || $(UV) venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	@$(UV) pip sync --quiet --python .venv --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation $(WORKSPACE:%=--editable %)
	@touch $@
	@echo "Ready. To have the stillmotion command here: source .venv/bin/activate"

# Only where there is no uv on the PATH.
.cache/uv/bin/uv: requirements/uv.txt
	@$(REFUSE_OLD_PYTHON)
	@echo "Installing uv into .cache/uv"
	@$(PYTHON) -m venv --clear .cache/uv || { \
		echo "$(PYTHON) cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements/uv.txt
	@touch $@

# The emulator and the SAM CLI pin much, so each has an environment of its own. Quick when they are there.
.PHONY: tools
tools: .venv/.ready
	@$(BIN)/python -m stillmotion_local.environments
