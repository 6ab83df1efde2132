# Everything runs in an environment of the project's own (.venv, from uv.lock); uv itself is fetched with pip if missing.
PYTHON ?= python3
STATE := .osago
UV := $(shell command -v uv 2>/dev/null || echo $(STATE)/uv/bin/uv)
RUN := $(UV) run --frozen
# Some hundred processes of a run would each compile the whole product anew.
export PYTHONDONTWRITEBYTECODE :=
PAGE := $(if $(shell command -v npm 2>/dev/null),$(STATE)/page)

.PHONY: demo quote test compat bench chaos check format schema docs site audit images graphiql page console screenshots

demo: .venv/ready $(PAGE)   ## the whole system on this machine, to watch
	@$(RUN) osago demo

quote: .venv/ready         ## sends the example application to the demo and shows the quotes
	@$(RUN) osago quote $(or $(FILE),examples/application.json)

test: .venv/ready          ## the whole suite, on real servers; ARGS=… are arguments of pytest
ifdef ARGS
	@$(RUN) pytest $(ARGS)
else
	@$(RUN) pytest -m "not long and not compat" -p no:schemathesis -n auto --dist loadgroup --no-loadscope-reorder
endif

compat: .venv/ready        ## with other people's software: clients of npm, Java, gateways, judges such as axe; a test whose part is missing says so and is skipped
	@$(RUN) pytest -m "compat and not long" -n auto --dist loadgroup $(ARGS)

chaos: .venv/ready        ## every fault at length, then a random schedule of all; SEED=… replays one, DURATION=… seconds, RATE=… requests/s
	@CHAOS_SEED=$(SEED) CHAOS_SECONDS=$(DURATION) CHAOS_RATE=$(RATE) $(RUN) pytest -m "long or not long" -p no:randomly --capture=no tests/chaos tests/failover tests/story/test_interleavings.py tests/bridge/test_killed_bridges.py tests/observability/test_twelve_faults.py $(ARGS)

bench: .venv/ready         ## every figure beside its yardstick; ONLY=accept,start measures some, RECORD=1 keeps them (needs wrk)
	@$(RUN) python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(RECORD),--record)

check: .venv/ready         ## format, lint, types, layers, words of comments and documents
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) basedpyright
	@$(RUN) lint-imports
	@$(RUN) python -m tools.house --check

house: .venv/ready         ## figures of the structure, read from the code
	@$(RUN) python -m tools.house

format: .venv/ready
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

schema: .venv/ready        ## prints schema.graphql, frontend/schema.ts and the page's table of fields anew from the code
	@$(RUN) osago schema > schema.graphql
	@$(RUN) osago schema --of typescript > frontend/schema.ts
	@$(RUN) python -m cli.form_fields > frontend/customer/src/form/table.ts

docs: .venv/ready          ## writes the tables of the documents anew that are made from the code
	@$(RUN) python -m cli.docs_tables
	@$(RUN) python -m cli.feed_schema
	@$(RUN) python -m tools.observability.deploy_files

site: .venv/ready          ## builds the documentation site into .osago/site/html; a broken link is an error
	@$(RUN) --group site python -m tools.site
	@echo "python3 -m http.server --directory .osago/site/html   # shows it"

audit: .venv/ready         ## looks the locked packages up in the database of known vulnerabilities (needs internet)
	@.ci/audit

images:                    ## pins the images of Compose file and Dockerfile by digest (needs docker buildx and the registry)
	@.ci/images

graphiql:                  ## builds GraphiQL anew into app/api/static (needs Node)
	@npm --prefix frontend/graphiql ci && npm --prefix frontend/graphiql run build

page:                      ## builds the customer's page anew into sandbox/core_app/static (needs Node)
	@npm --prefix frontend/customer ci && npm --prefix frontend/customer run build

console:                   ## builds the operator's console anew into app/api/static/operator (needs Node)
	@npm --prefix frontend/operator ci && npm --prefix frontend/operator run build

screenshots:               ## takes the documents' pictures from a running demo (needs Node and Chromium); TOKEN=… of an operator: those of the console, too
	@npm --prefix tests/browser ci && node tests/browser/screenshots.mjs http://127.0.0.1:8200/ docs/images $$(command -v chromium) http://127.0.0.1:8000/operator "$(TOKEN)"

# Built only where Node is and sources are newer than the last build; without Node the copy in the repository serves.
$(STATE)/page: $(shell find frontend/customer -not -path '*/node_modules*' -type f)
	@mkdir -p $(STATE)
	@echo "Building the customer's page …"
	@{ npm --prefix frontend/customer ci && npm --prefix frontend/customer run build; } >$(STATE)/page.log 2>&1 \
		|| echo "The page could not be built ($(STATE)/page.log): the copy in the repository serves."
	@touch $@

.venv/ready: uv.lock pyproject.toml | $(UV)
	@echo "Making the environment in .venv, half a minute the first time …"
	@$(UV) sync --frozen --quiet --compile-bytecode --python $(PYTHON)
	@touch $@

$(STATE)/uv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 2; }
	@echo "Fetching uv into $(STATE)/uv …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target $(STATE)/uv \
		--no-deps --only-binary :all: --require-hashes --requirement deploy/uv.txt
