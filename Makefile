# Everything a person or CI does here. Each target sets up what it needs, from wheels alone, in .venv:
# nothing but Python 3.11 or later (with venv) and make has to be on the machine.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv trusts the certificates of the system, as pip does: a company's proxy may end TLS with its own.
export UV_SYSTEM_CERTS ?= true
# Deno looks at the pages' modules; it asks no server and leaves what it knows in a folder of its own.
export DENO_DIR := $(CURDIR)/.deno_cache
export DENO_NO_UPDATE_CHECK := 1
INSTALL := $(BIN)/uv pip install --compile-bytecode --quiet --python $(BIN)/python --require-hashes

.PHONY: help run test faults check format bench simulate lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: $(VENV)/run.stamp ## serve http://localhost:3001 with demo data
	$(BIN)/event-seating serve

# One file after the other in their order, which begins with those that take longest. A third one
# works while others wait; two do where servers are killed, cut off and asked by crowds.
test: $(VENV)/dev.stamp ## every test but the long ones, real databases included
	$(BIN)/pytest -m "not long" -n 3 --dist loadfile --no-loadscope-reorder

faults: $(VENV)/dev.stamp ## what takes long: many kills and seeds, fresh clones, other proxies, Prometheus
	$(BIN)/pytest -m long -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/dev.stamp ## format, lint, types, import contracts, dead code; Python and JavaScript
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/deno fmt --check --quiet
	$(BIN)/deno lint --quiet
	$(BIN)/deno check --quiet --no-remote --no-npm src/event_seating/page

format: $(VENV)/dev.stamp ## put the code into its form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/deno fmt --quiet

bench: $(VENV)/bench.stamp ## measure, as ratios in one run
	$(BIN)/python -m benchmarks

simulate: $(VENV)/run.stamp ## a million steps of crashes and lost answers, looking for a seat sold twice
	$(BIN)/event-seating simulate --seeds 200 --steps 5000

lock: $(VENV)/uv.stamp ## pin the newest versions that fit requirements/*.in
	for set in build run dev bench; do \
	  case $$set in run) from="pyproject.toml" ;; *) from="" ;; esac; \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	    --no-annotate --no-emit-index-url --no-emit-find-links \
	    -o requirements/$$set.txt requirements/$$set.in $$from || exit 1; \
	done

clean: ## remove the environment and what tools left
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .deno_cache

# uv comes first, by pip, with the hashes of the build set; uv installs the rest.
$(VENV)/uv.stamp: requirements/build.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	touch $@

$(VENV)/run.stamp: $(VENV)/uv.stamp requirements/run.txt pyproject.toml
	$(INSTALL) -r requirements/run.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q src/event_seating
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	$(INSTALL) -r requirements/dev.txt
	touch $@

$(VENV)/bench.stamp: $(VENV)/dev.stamp requirements/bench.txt
	$(INSTALL) -r requirements/bench.txt
	touch $@
