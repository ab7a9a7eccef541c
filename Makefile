# `make help` lists the targets. Builds land outside the clone: scripts/tool-env says where, CARGO_TARGET_DIR moves them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

TOOLS := . scripts/tool-env
export CARGO_TARGET_DIR := $(shell $(TOOLS) && printf '%s' "$$CARGO_TARGET_DIR")
ifeq ($(CARGO_TARGET_DIR),)
$(error no build folder: see the message above)
endif
BINARY := $(CARGO_TARGET_DIR)/release/codex-orchestrator

# LOCAL_BASE=1 makes the images without an image registry: on a base image made here, around the binary built here.
ifdef LOCAL_BASE
export BUILD_IMAGE := codex-orchestrator-base
export RUNTIME_IMAGE := codex-orchestrator-base
export AGENT_RUNTIME_IMAGE ?= codex-orchestrator-base
# The agent's image takes packages from apt and npm, which may be reachable from the machine's own network alone.
export BUILD_NETWORK ?= host
export PREBUILT := out/image/codex-orchestrator
IMAGE_INPUTS := local-base
endif
# `make down` keeps the data; VOLUMES=1 removes it too.
DOWN_FLAGS := --remove-orphans $(if $(VOLUMES),--volumes)

.PHONY: help run agent binary test simulate crash redactor-cases engine-test venv-test bench coverage fmt lint ci build images local-base docker-check docker-test \
  up dev down up-agent down-agent seed demo-aws demo-gcp demo-azure \
  codex-up codex-agent codex-demo-aws codex-demo-gcp codex-demo-azure codex-test

help: ## List the targets
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' Makefile

run: binary ## Build, then start server and agent on http://127.0.0.1:18080 (no Docker; ARGS="--port 0" adds flags)
	@exec "$(BINARY)" up $(ARGS)

agent: binary ## Start one local agent for the server at ORCH_URL (default http://localhost:18080)
	@exec "$(BINARY)" agent --url "$${ORCH_URL:-http://localhost:18080}" $(ARGS)

binary: ## Build the release binary
	@scripts/own-build
	@cargo build --release --workspace --bin codex-orchestrator

test: ## Install what the tests need (once), then run them all
	@scripts/setup-tools test
	@scripts/own-build
	@cargo build --workspace --bins
	@cargo test --quiet --workspace --doc
	@scripts/run-tests

simulate: ## Simulate SEEDS worlds (10000) from seed FROM (0), and check the core's invariants in each
	@SIM_SEEDS="$(or $(SEEDS),10000)" SIM_FROM="$(or $(FROM),0)" \
	  cargo test --release --quiet --package orch-core --test simulation -- every_seed --nocapture

venv-test: test ## The documents' name for setting up and testing in one go

engine-test: ## Try the sandbox and all attempts to get out in containers of KIND (docker or podman)
	@scripts/setup-tools test
	@scripts/engine-test "$(or $(KIND),docker)"

redactor-cases: ## Try CASES (100000) random secrets, encodings and chunk borders against the redactor
	@REDACTOR_CASES=$(or $(CASES),100000) cargo test --release --locked --quiet -p orch-redact --lib -- no_secret_leaks --nocapture

crash: ## Kill server and agent (POSTGRES=1: PostgreSQL too) under load for ROUNDS rounds (200) from SEED, and check what was acknowledged
	@scripts/own-build
	@cargo build --quiet --package crash --package codex-orchestrator --bins
	@"$(CARGO_TARGET_DIR)/debug/crash" "$(CARGO_TARGET_DIR)/debug/codex-orchestrator" --rounds "$(or $(ROUNDS),200)" \
	  $(if $(SEED),--seed "$(SEED)") $(if $(POSTGRES),--postgres) $(if $(FAULTS),--faults "$(FAULTS)")

coverage: ## Line coverage of all tests, by crate; fails under 70 %
	@scripts/coverage

bench: binary ## Run the benchmark programs and print their medians
	@CODEX_ORCHESTRATOR_BIN="$(BINARY)" cargo run --release --package bench

fmt: ## Format the code
	@cargo fmt --all

lint: ## Check format, licences, bans, sources, and clippy with warnings as errors
	@cargo fmt --all --check
	@scripts/setup-tools lint
	@scripts/own-build
	@$(TOOLS); cargo deny check licenses bans sources
	@cargo clippy --workspace --all-targets -- -D warnings

ci: ## Everything that must hold before a change lands
	@.ci/run

build: binary ## Build the binary and, where a Docker engine answers, the images
	@if scripts/docker-engine check 2>/dev/null; then $(MAKE) images; \
	else echo "built $(BINARY); images not built: no Docker engine answers here" >&2; fi

images: docker-check $(IMAGE_INPUTS) ## Build the images of server and agent (needs Docker)
	@scripts/compose with-agent build

up: docker-check $(IMAGE_INPUTS) ## Start the server in Docker on http://127.0.0.1:18080 (LOCAL_BASE=1 needs no image registry)
	@scripts/compose server up --build --detach
	@scripts/wait-for-server

dev: docker-check $(IMAGE_INPUTS) ## Start the server in Docker in the foreground
	@scripts/compose server up --build

down: ## Stop the server in Docker (VOLUMES=1 removes its data too)
	@scripts/compose server down $(DOWN_FLAGS)

up-agent: docker-check $(IMAGE_INPUTS) ## Start server and an agent with the Codex CLI in Docker
	@scripts/compose with-agent up --build --detach
	@scripts/wait-for-server

down-agent: ## Stop server and agent in Docker (VOLUMES=1 removes their data too)
	@scripts/compose with-agent down $(DOWN_FLAGS)

docker-test: binary ## Build the images around the local binary and check them (needs Docker, or root to start it)
	@BINARY="$(BINARY)" scripts/docker-smoke-test

docker-check:
	@scripts/docker-engine check

local-base: binary
	@scripts/docker-base-image
	@install -D -m 0755 "$(BINARY)" "$(PREBUILT)"

seed: ## Create sample data on the server at BASE (default http://localhost:18080)
	@scripts/seed

demo-aws: ## Create a work item that needs AWS credentials, and print how to answer the agent's question
	@scripts/demo aws

demo-gcp: ## The same for Google Cloud
	@scripts/demo gcp

demo-azure: ## The same for Azure
	@scripts/demo azure

# Stable names for pipelines (codex.yaml).
codex-up: up ## up
codex-agent: agent ## agent
codex-demo-aws: demo-aws ## demo-aws
codex-demo-gcp: demo-gcp ## demo-gcp
codex-demo-azure: demo-azure ## demo-azure
codex-test: venv-test ## venv-test
