.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: help
help: ## show what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(READY)

.PHONY: demo
demo: $(READY) ## build the sample region in demo.db, print three answers and tokens to try
	$(BIN)/vertikal demo --fresh --database sqlite:///demo.db

.PHONY: serve
serve: $(READY) ## serve the sample region on http://127.0.0.1:8080
	VERTIKAL_DATABASE_URL=sqlite:///demo.db $(BIN)/vertikal serve

.PHONY: test
test: $(READY) ## run every test; brings up its own PostgreSQL and Kafka
	$(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: kafka
kafka: $(READY) ## obtain Apache Kafka for the tests from Maven Central (they do so by themselves, too)
	$(BIN)/python -m tests.broker

.PHONY: check
check: $(READY) ## lint, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(READY) ## put the code in its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(READY) ## measure against the targets, on SQLite and PostgreSQL (about half an hour)
	$(BIN)/python -m benchmarks

.PHONY: bench-huge
bench-huge: $(READY) ## measure rebuild and queries on ten million events, on PostgreSQL (an hour, 50 GB)
	$(BIN)/python -m benchmarks rebuild queries --size huge --store PostgreSQL

.PHONY: flips
flips: $(READY) ## damage single bytes of a bundle of 100,000 events: each is found and named (minutes)
	$(BIN)/python -m benchmarks flips

.PHONY: torture
torture: $(READY) ## kill, delay and roll back writers on both databases (ten minutes each), judge the log
	$(BIN)/python -m tests.torture --seconds 600

.PHONY: picture
picture: $(READY) ## draw the README's picture from a real run
	$(BIN)/python docs/picture.py

.PHONY: publish
publish: $(READY) ## write the published contracts and AsyncAPI anew
	$(BIN)/python -m vertikal.contracts.publish

.PHONY: lock
lock: $(READY) ## bring requirements.lock up to date
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--group dev --custom-compile-command "make lock" -o requirements.lock pyproject.toml

.PHONY: clean
clean: ## remove what was made here
	rm -rf $(VENV) demo.db demo.db-* demo.db.*.key .mypy_cache .ruff_cache .pytest_cache .hypothesis build
