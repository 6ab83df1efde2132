# Everything runs in an environment of the project's own (.venv, from uv.lock); uv itself is fetched with pip if missing.
PYTHON ?= python3
STATE := .osago
UV := $(shell command -v uv 2>/dev/null || echo $(STATE)/uv/bin/uv)
RUN := $(UV) run --frozen

.PHONY: demo quote test check format schema docs audit graphiql

demo: .venv/ready          ## the whole system on this machine, to watch
	@$(RUN) osago demo

quote: .venv/ready         ## sends the example application to the demo and shows the quotes
	@$(RUN) osago quote $(or $(FILE),examples/application.json)

test: .venv/ready          ## the whole suite, on real servers
	@$(RUN) pytest $(ARGS)

check: .venv/ready         ## format, lint, types, layers
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) basedpyright
	@$(RUN) lint-imports

format: .venv/ready
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

schema: .venv/ready        ## prints schema.graphql anew from the code
	@$(RUN) osago schema > schema.graphql

docs: .venv/ready          ## writes the tables of the documents anew that are made from the code
	@$(RUN) python -m cli.reference

audit: .venv/ready         ## looks the locked packages up in the database of known vulnerabilities (needs internet)
	@.ci/audit

graphiql:                  ## builds GraphiQL anew into app/api/static (needs Node)
	@npm --prefix frontend/graphiql ci && npm --prefix frontend/graphiql run build

.venv/ready: uv.lock pyproject.toml | $(UV)
	@$(UV) sync --frozen --quiet --compile-bytecode --python $(PYTHON)
	@touch $@

$(STATE)/uv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 2; }
	@echo "Fetching uv into $(STATE)/uv …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target $(STATE)/uv uv
