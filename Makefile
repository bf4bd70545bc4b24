# Two commands do all set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EVM := tests/evm/node_modules/.installed
PROMETHEUS := .prometheus/usr/bin/prometheus

.PHONY: demo demo-books test check catalog bench clean docs drawings lock evm chromium prometheus screenshots lives soak mutants openapi

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(EVM): tests/evm/package.json tests/evm/package-lock.json tests/evm/compile.cjs $(wildcard tests/evm/contracts/*.sol)
	@command -v npm >/dev/null || { echo "the tests need npm for a local EVM; on Debian: apt-get install npm" >&2; exit 1; }
	cd tests/evm && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	cd tests/evm && node compile.cjs
	touch $@

demo: $(STAMP)  ## a worker on a simulated Polymarket, with its books tied out
	$(BIN)/python -m tieout demo

demo-books: $(STAMP)  ## import the recorded wallets and show their books
	$(BIN)/python demo/demo.py

check: $(STAMP)  ## everything that needs no database: style, types, imports
	$(BIN)/ruff format --check src tests bench demo docs examples mutants ops
	$(BIN)/ruff check src tests bench demo docs examples mutants ops
	$(BIN)/mypy src mutants
	$(BIN)/lint-imports --no-cache

# With --quiet it would not be strict: warnings would not be counted.
docs: $(STAMP)  ## the documentation into site/: open site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open site/index.html"

drawings: $(STAMP)  ## the pictures of docs/books again, from the ledger's own figures
	$(BIN)/python docs/drawings/make.py

openapi: $(STAMP)  ## docs/openapi.json again, from the code of the interface
	$(BIN)/python -m tieout.web.api.document > docs/openapi.json

evm: $(EVM)  ## the local EVM of the tests, and the real ConditionalTokens

chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ echo "the tests of the desk need Chromium; on Debian: apt-get install chromium" >&2; exit 1; }

# Debian's package is unpacked and not installed: that would start a server of the whole machine.
prometheus:
	@command -v prometheus >/dev/null && command -v promtool >/dev/null || test -x $(PROMETHEUS) || { \
		mkdir -p .prometheus && cd .prometheus && apt-get download -qq -o APT::Sandbox::User=root prometheus && \
		dpkg-deb --extract prometheus_*.deb . && rm prometheus_*.deb; } || { \
		echo "the tests of the metrics need prometheus and promtool on the PATH; on Debian: apt-get update" >&2; exit 1; }

LIVES_MINUTES ?= 8
test: chromium prometheus check $(EVM)  ## all of it, with a real PostgreSQL and a real EVM, and 200 lives as far as the time allows
	$(BIN)/python -m pytest -n 2 --dist loadscope
	$(BIN)/python -m tieout sim run --jobs 2 --seeds 1..200 --within $(LIVES_MINUTES)

screenshots: chromium $(STAMP)  ## the pictures of the desk in docs/img/desk again, from a running demo
	$(BIN)/python -m pytest -p no:randomly tests/web/shots.py

catalog: $(STAMP)  ## note the tests that carry ids of the catalog, for `tieout catalog`
	$(BIN)/python tests/tidy/catalog_tests.py

lives: $(STAMP)  ## 200 lives of a virtual hour, and every life that failed once
	$(BIN)/python -m tieout sim run --jobs 2 $(patsubst %,--file %,$(wildcard tests/lives_found/*.json))
	$(BIN)/python -m tieout sim run --jobs 2 --seeds 1..200

SEEDS ?= 2000
soak: $(STAMP)  ## more of them: make soak SEEDS=2000
	$(BIN)/python -m tieout sim run --jobs 2 --seeds 1..$(SEEDS)

mutants: $(STAMP)  ## thirty planted bugs and some more, each of which a life must catch
	$(BIN)/python -m mutants.run --jobs 2

bench: $(STAMP)  ## speed, as ratios in one run
	$(BIN)/python bench/run.py
	$(BIN)/python bench/quoting.py
	$(BIN)/python bench/worker.py
	$(BIN)/python bench/desk.py
	$(BIN)/python bench/chain/from_chain.py

lock: $(STAMP)  ## renew requirements.lock: hashes, no index addresses
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
		--no-header --no-annotate --extra dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) tests/evm/node_modules .hypothesis .mypy_cache .ruff_cache .pytest_cache .prometheus build dist site src/*.egg-info .tieout
