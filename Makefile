# Run `make` without a target to list the recipes.
.DEFAULT_GOAL := help
.PHONY: help up simulate watch check test soak rehearse-upgrade bench frontend sqlx openapi deny fmt env secrets clean

# Where cargo puts programs: CARGO_TARGET_DIR and cargo's configuration apply.
TARGET = $$(cargo metadata --locked --no-deps --format-version 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
CARGO_DENY = 0.20.2

help: ## list the recipes
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

up: frontend ## run everything at http://127.0.0.1:8080 (PORT=, STACK_DIR=, ADMIN_EMAIL=, ADMIN_PASSWORD=, WEBHOOK_KEYS=, WEBHOOK_URLS=)
	cargo build --locked --workspace
	@exec "$(TARGET)/debug/stack" up

simulate: ## post signed sample batches of every event type to the running stack (PORT=, STACK_DIR= if several run)
	@exec "$(TARGET)/debug/stack" simulate

watch: frontend ## as `make up`, with services that restart on change and Vite's dev server (DEV_PORT=)
	cargo build --locked --workspace
	@exec "$(TARGET)/debug/stack" watch

check: frontend/node_modules/.package-lock.json ## check format, lints, spelling and types
	@python3 tools/test.py check

test: ## run every check and test; the last line is `N passed, N failed`
	@python3 tools/test.py

soak: frontend ## run the long tests at full size: failovers, rolling restarts with hundreds of clients, archives and upgrades of a million events
	cargo build --locked --workspace
	SOAK=1 cargo test --locked -p front-door --test front_door -- --test-threads 1 a_rolling clients_receive whoever_kills
	SOAK=1 ARCHIVE_TOOLS=$$(python3 tools/pinned.py archive) cargo test --locked -p front-door --test front_door -- --ignored duckdb_finds
	FROM=previous python3 tools/rehearse_upgrade.py
	FROM=baseline python3 tools/rehearse_upgrade.py

rehearse-upgrade: frontend ## upgrade a million events of an older version under load, roll back, and go forward again (FROM=previous or baseline, ROWS=)
	cargo build --locked --workspace
	@python3 tools/rehearse_upgrade.py

bench: frontend ## compare with alternatives; QUICK=1 runs one short round, ONLY= selects rows by the prefix of their ids
	cargo build --locked --release -p ingest -p notifier -p bench
	@exec "$(TARGET)/release/bench"

frontend: frontend/dist/index.html ## build the dashboard

frontend/node_modules/.package-lock.json: frontend/package.json frontend/package-lock.json
	cd frontend && npm ci --no-audit --no-fund

frontend/dist/index.html: frontend/node_modules/.package-lock.json $(shell find frontend/src frontend/public frontend/index.html frontend/openapi.json frontend/vite.config.ts -type f 2>/dev/null)
	cd frontend && npm run build

sqlx: ## regenerate the checked queries in .sqlx
	cargo build --locked -p stack
	"$(TARGET)/debug/stack" sqlx

openapi: ## regenerate the OpenAPI document, frontend/openapi.json
	cargo build --locked --workspace
	"$(TARGET)/debug/ingest" openapi > frontend/openapi.json

deny: ## check licences, duplicates and sources of the dependencies with cargo-deny, installed when missing
	@cargo deny --version > /dev/null 2>&1 || cargo install --locked cargo-deny@$(CARGO_DENY)
	cargo deny --locked check bans licenses sources

fmt: ## format everything
	cargo fmt
	cd frontend && npm run format

env: ## write .env with fresh secrets, for docker compose
	@deploy/make-env

secrets: ## move the secrets from .env to files, for docker compose
	@deploy/make-secrets

clean: ## remove build output, node_modules and downloaded servers; keep the data in .stack/
	cargo clean
	rm -rf frontend/dist frontend/node_modules .runtime
