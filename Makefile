# Every target sets up what it needs; nothing has to be installed by hand beyond Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := api auth billing documents events jobs models resolvers schema services
CLIENTS := tests/clients
RELEASED := $(lastword $(sort $(wildcard schema/released/*.graphql)))
# One worker more than cores: servers and sockets are waited for a good part of the time.
PYTEST := $(BIN)/python -m pytest -n 3 --dist worksteal

.PHONY: demo test proofs check lint types imports sdl clients graphiql lock clean

demo: $(VENV)/.demo graphiql  ## Serve the demo on http://127.0.0.1:8000 (BILLGRAPH_PORT, ARGS=--no-open)
	@$(BIN)/billgraph demo $(ARGS)

test: $(VENV)/.dev  ## Run the suite, on SQLite or on BILLGRAPH_TEST_DATABASE_URL
	@$(PYTEST) -m "not proof" $(ARGS)

# The laws of billing know no database, so one run of them is enough for both.
proofs: $(VENV)/.dev  ## Run what the suite leaves out because it takes long, and each law of billing on 4,096 examples
	@$(PYTEST) -m proof $(ARGS)
	@[ -n "$$BILLGRAPH_TEST_DATABASE_URL" ] || \
		BILLING_EXAMPLES=$${BILLING_EXAMPLES:-4096} $(PYTEST) -m hypothesis tests/billing

check: lint types imports sdl  ## Everything that can be known without running

lint: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

imports: $(VENV)/.dev
	@$(BIN)/lint-imports

sdl: $(VENV)/.dev  ## Compare schema.graphql, its reference and the last released schema with the code
	@$(BIN)/billgraph schema --check
	@$(BIN)/billgraph schema --docs docs/reference --check
	@$(BIN)/billgraph schema --against $(RELEASED)

clients: $(VENV)/.dev $(CLIENTS)/node_modules/.installed  ## Try the tools of clients on a served graph (ARGS=suite names)
	@PYTHON=$(abspath $(BIN)/python) node $(CLIENTS)/run.mjs $(ARGS)

graphiql:  ## Build GraphiQL from its pinned npm packages, where npm is present
	@sh api/graphiql/build.sh

lock: $(VENV)/.dev  ## Pin every dependency again
	@$(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe --no-emit-find-links --no-emit-index-url \
		--build-deps-for editable --extra pdf --extra postgres --extra scim --extra speed -o requirements/demo.txt pyproject.toml
	@$(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe --no-emit-find-links --no-emit-index-url \
		--build-deps-for editable --extra pdf --extra postgres --extra scim --extra speed --extra otel --extra dev -c requirements/demo.txt \
		-o requirements/dev.txt pyproject.toml

# The registry fails now and then: three tries, then it is down.
$(CLIENTS)/node_modules/.installed: $(CLIENTS)/package-lock.json
	@echo "· installing the pinned tools of clients"
	@for try in 1 2 3; do \
		(cd $(CLIENTS) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) && break; \
		[ $$try != 3 ] && sleep 5; done
	@touch $@

clean:  ## Remove everything that a target made
	@rm -rf $(VENV) .data api/static/graphiql api/graphiql/node_modules $(CLIENTS)/node_modules .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@echo "· creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/bin/python
	@echo "· installing pinned dependencies"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/demo.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "· installing pinned dependencies for development"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.demo
