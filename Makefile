# `make run` and `make test` do their own set-up, may be repeated, and say what they do.

SHELL := /bin/bash -o pipefail
CARGO ?= cargo
WASM  := --release --target wasm32-wasip2
CARGO_COMPONENT     := 0.21.1
HAS_CARGO_COMPONENT := $(CARGO) component --version 2>/dev/null | grep -qF ' $(CARGO_COMPONENT)'
SAY   = @printf '\n\033[1m== %s\033[0m\n'

.DEFAULT_GOAL := help
.PHONY: help run serve test chaos fuzz load bench setup node wrk postgres plugins guests sources lint python cargo-component test-plugins test-host test-cargo-component test-web test-e2e test-authors pages chromium screenshots openapi clean-demo

help: ## What there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: setup plugins pages ## Fill three months of history for wind farms of all four sources (against the simulator)
	$(SAY) 'building the host and the simulator (the first time takes some minutes)'
	$(CARGO) build --release --locked -p backfill -p simulator
	$(SAY) 'filling 2024-01 to 2024-03'
	demo/run

serve: setup plugins pages ## The web pages, over the demo's wind farms (against the simulator), until Ctrl-C
	$(SAY) 'building the host and the simulator (the first time takes some minutes)'
	$(CARGO) build --release --locked -p backfill -p simulator
	demo/serve

test: setup lint pages test-plugins test-host test-cargo-component test-web test-e2e test-authors ## Format, lints, and every test
	$(SAY) 'all tests passed'

chaos: setup postgres plugins guests ## Kill, stop and restart workers and their database some hundred times (ten minutes)
	$(SAY) 'disturbing workers'
	BACKFILL_TEST_REQUIRE_POSTGRES=1 BACKFILL_CHAOS=long $(CARGO) test --locked --workspace --test chaos -- --nocapture --test-threads=1

fuzz: setup python postgres plugins guests ## Call the whole HTTP API with what its description allows and forbids (some minutes)
	$(SAY) 'set-up: schemathesis'
	@[ -x target/fuzz/bin/schemathesis ] || { \
	  python3 -m venv target/fuzz && target/fuzz/bin/pip install --quiet --requirement host/tests/api/requirements.txt; }
	$(SAY) 'calling'
	BACKFILL_TEST_REQUIRE_POSTGRES=1 BACKFILL_SCHEMATHESIS=$(CURDIR)/target/fuzz/bin/schemathesis \
	  $(CARGO) test --locked --workspace --test api fuzz -- --nocapture

load: setup postgres wrk plugins ## Ask a host with ten million tasks for its pages, as four clients at once (some minutes)
	$(SAY) 'asking'
	$(CARGO) bench --locked -p backfill -p simulator --bench bench -- pages

bench: setup postgres wrk plugins guests ## Measure; writes target/bench/report.json
	$(SAY) 'building the reference (the same parser, native)'
	cd plugins && $(CARGO) build --release --locked --example parse_native -p entsoe
	$(SAY) 'measuring'
	$(CARGO) bench --locked -p backfill -p simulator --bench bench

setup: ## What the builds need and rustup can add
	$(SAY) 'set-up: the wasm targets'
	@command -v rustup >/dev/null || { echo 'rustup is missing: see https://rustup.rs'; exit 1; }
	@command -v cc >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq -y build-essential; } || \
	  { echo 'a C compiler is missing: sudo apt-get install build-essential'; exit 1; }
	@installed=$$(rustup target list --installed); \
	  for target in wasm32-wasip1 wasm32-wasip2; do \
	    grep -q "$$target" <<< "$$installed" || rustup target add $$target; \
	  done
	@rustup component list --installed | grep -q rustfmt || rustup component add rustfmt
	@rustup component list --installed | grep -q clippy || rustup component add clippy

node: ## What the web pages are built with
	@command -v npm >/dev/null || { echo 'Node is missing: see https://nodejs.org (20.19 or later)'; exit 1; }
	$(SAY) 'set-up: packages of the web pages'
	cd web && npm ci --no-audit --no-fund --loglevel=error

python: ## What some tests and sources in Python are built with
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq -y python3-venv; } || \
	  { echo 'Python is missing: sudo apt-get install python3-venv'; exit 1; }

# From source it takes a quarter of an hour, so only who asks for it has it installed (into Cargo's own folder, where later
# runs find it); without it, what needs it says SKIPPED.
cargo-component:
	@[ "$(BACKFILL_CARGO_COMPONENT)" != install ] || $(HAS_CARGO_COMPONENT) || \
	  $(CARGO) install --locked cargo-component@$(CARGO_COMPONENT)

pages: ## Build the web pages that the host serves; without npm it serves the API alone
	@if command -v npm >/dev/null; then \
	  printf '\n\033[1m== web pages\033[0m\n' && cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent schema && npm run --silent build; \
	else echo 'npm is missing, so the host is built without its web pages'; fi

chromium: ## The browser that the pages are tested with
	@[ -n "$$CHROMIUM" ] || command -v chromium >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium; } || \
	  echo 'Chromium is missing (apt-get install chromium), so what needs it says SKIPPED'

wrk: ## What pages are asked for with
	@command -v wrk >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq -y wrk; } || \
	  echo 'wrk is missing (apt-get install wrk), so what needs it says SKIPPED'

postgres: ## What the tests start for themselves; a server that runs already is left alone
	$(SAY) 'set-up: Postgres'
	@[ -n "$$BACKFILL_TEST_DATABASE_URL" ] || command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y postgresql; } || \
	  { echo 'Postgres is missing: sudo apt-get install postgresql (or set BACKFILL_TEST_DATABASE_URL)'; exit 1; }

plugins: setup ## Build the four sources as components
	$(SAY) 'building the sources as components'
	cd plugins && $(CARGO) build --locked $(WASM)

sources: setup ## Build the sources that are projects of their own
	$(SAY) 'building the sources that were written with the kit'
	for source in sources/*/; do (cd $$source && $(CARGO) build --locked $(WASM)) || exit 1; done

guests: setup
	$(SAY) 'building the components that the tests use'
	cd host/tests/guests && $(CARGO) build --locked $(WASM)

lint: setup ## rustfmt and clippy, warnings are errors
	$(SAY) 'format'
	$(CARGO) fmt --all --check
	cd plugins && $(CARGO) fmt --all --check
	cd host/tests/guests && $(CARGO) fmt --all --check
	for source in sources/*/; do (cd $$source && $(CARGO) fmt --check) || exit 1; done
	$(SAY) 'lints'
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	cd plugins && $(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	for source in sources/*/; do (cd $$source && $(CARGO) clippy --locked --all-targets -- -D warnings) || exit 1; done

test-plugins: setup plugins ## The sources' own tests, native
	$(SAY) 'tests of the sources, native'
	cd plugins && $(CARGO) test --locked --workspace
	for source in sources/*/; do (cd $$source && $(CARGO) test --locked) || exit 1; done

test-host: setup postgres plugins guests sources ## The host's tests and the simulator's: real components, real sockets, real database
	$(SAY) 'tests of the host and the simulator'
	BACKFILL_TEST_REQUIRE_POSTGRES=1 $(CARGO) test --locked --workspace

test-cargo-component: setup cargo-component plugins sources ## The sources as `cargo component build` makes them, beside the others (two minutes)
	@if ! $(HAS_CARGO_COMPONENT); then \
	  printf '\nSKIPPED: cargo-component $(CARGO_COMPONENT) is missing, so its builds were not compared; BACKFILL_CARGO_COMPONENT=install has make install it (a quarter of an hour)\n'; \
	else \
	  printf '\n\033[1m== cargo component build\033[0m\n' && \
	  for folder in plugins sources/*/; do (cd $$folder && $(CARGO) component build --locked --release) || exit 1; done && \
	  printf '\n\033[1m== comparing what the two tools built\033[0m\n' && \
	  $(CARGO) test --locked --workspace --test cargo_component -- --include-ignored; \
	fi

test-web: node ## The web pages: types against the description of the API, and how much a browser loads
	$(SAY) 'the web pages'
	cd web && npm run --silent check && npm run --silent build && npm run --silent size

test-e2e: setup plugins node chromium ## The web pages in a browser, against the real host
	$(SAY) 'journeys in a browser'
	@# As the host's tests build it: `cargo build` alone would compile wasmtime once more, with fewer features.
	$(CARGO) test --locked --workspace --no-run
	cd web && npm run --silent build && npm run --silent e2e

test-authors: setup python cargo-component ## What `source new` makes, in every language, and the tutorial (some minutes)
	@command -v npm >/dev/null || { echo 'Node is missing: see https://nodejs.org (20.19 or later)'; exit 1; }
	$(SAY) 'sources as their authors make them'
	$(CARGO) test --locked --workspace --test authors -- --include-ignored --nocapture --test-threads=1

screenshots: setup plugins node chromium ## Take the pictures in docs/screenshots anew
	$(CARGO) build --locked --workspace
	cd web && npm run --silent build && npm run --silent screenshots

openapi: ## Write the description of the HTTP API anew, after a change of it
	$(CARGO) build --locked --workspace
	target/debug/backfill openapi > openapi.json

clean-demo: ## Forget what `make run` stored
	rm -rf .backfill/demo
