# Run `make` without a target to list the recipes.
.DEFAULT_GOAL := help
.PHONY: help up simulate test bench frontend sqlx openapi fmt env clean

help: ## list the recipes
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

up: frontend ## run everything at http://127.0.0.1:8080 (PORT=, STACK_DIR=, ADMIN_EMAIL=, ADMIN_PASSWORD=, WEBHOOK_KEYS=, WEBHOOK_URLS=)
	cargo build --locked --workspace
	@exec target/debug/stack up

simulate: ## post signed sample batches of every event type to the stack of `make up`
	@target/debug/stack simulate

test: ## run every check and test; the last line is `N passed, N failed`
	@python3 tools/test.py

bench: frontend ## compare with alternatives; QUICK=1 runs one short round, ONLY= selects rows by the prefix of their ids
	cargo build --locked --release -p ingest -p notifier -p bench
	@target/release/bench

frontend: frontend/dist/index.html ## build the dashboard

frontend/node_modules/.package-lock.json: frontend/package.json frontend/package-lock.json
	cd frontend && npm ci --no-audit --no-fund

frontend/dist/index.html: frontend/node_modules/.package-lock.json $(shell find frontend/src frontend/public frontend/index.html frontend/openapi.json frontend/vite.config.ts -type f 2>/dev/null)
	cd frontend && npm run build

sqlx: ## regenerate the checked queries in .sqlx
	cargo build --locked -p stack
	target/debug/stack sqlx

openapi: ## regenerate the OpenAPI document, frontend/openapi.json
	cargo build --locked -p ingest
	target/debug/ingest openapi > frontend/openapi.json

fmt: ## format everything
	cargo fmt
	cd frontend && npm run format

env: ## write .env with fresh secrets, for docker compose
	@deploy/make-env

clean: ## remove build output, node_modules and downloaded servers; keep the data in .stack/
	rm -rf target frontend/dist frontend/node_modules .runtime
