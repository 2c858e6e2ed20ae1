# Works from a clean clone with Python 3.11 or newer and make; uv comes into .tools when the machine has none.
.DEFAULT_GOAL := help
.PHONY: help up test test-thorough test-kafka test-compose test-browser lint fmt bench quality faults

PYTHON ?= python3
# A test, not only a look-up: a pyenv shim exists also where no Python behind it has uv.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .tools/uv/bin/uv)
RUN = $(UV) run --locked
PYTEST = $(RUN) pytest
GOLD ?= ../shared/gold
# Deaths that take minutes: every day on Apache Kafka, where they say most; on the embedded servers with the thorough tests.
DEATHS = tests/faults tests/shared/test_projector.py tests/shared/test_projector_troubles.py tests/shared/test_rebuild.py \
	tests/views/test_views_killed.py tests/views/test_views_faults.py tests/views/test_views_projector.py \
	tests/related/test_linker_killed.py
# Some images set it; every process would compile all that it imports, which is two thirds of a start.
unexport PYTHONDONTWRITEBYTECODE
QUICK = -m "not kafka and not slow and not browser and not compose"

help: ## Show the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

up: $(UV) ## Everything on this machine, no Docker, no Java: http://127.0.0.1:8000 (forgets all when it stops)
	$(RUN) newsfeed up $(ARGS)

test: $(UV) ## Quick tests, on the embedded servers
	$(PYTEST) -n 4 --dist loadfile --no-loadscope-reorder $(QUICK) $(addprefix --ignore=,$(DEATHS)) $(ARGS)

test-thorough: $(UV) ## All of them on the embedded servers, with four times as many examples, beacons and deaths; all of Chromium
	NEWS_TEST_THOROUGH=1 $(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder $(QUICK) $(ARGS)
	$(PYTEST) -m browser $(ARGS)

test-kafka: $(UV) ## What touches a server, and more, on Apache Kafka and a Redis Cluster (needs java and mvn)
	NEWS_TEST_BACKEND=kafka $(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not browser and not compose" $(ARGS)

test-compose: $(UV) ## Build the images and test the compose stack (needs a container engine and Chromium)
	$(PYTEST) -m compose $(ARGS)

test-browser: $(UV) ## The reader's pages in Chromium
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder -m "browser and not slow" $(ARGS)

faults: export NEWS_TEST_THOROUGH = 1
faults: $(UV) ## Every fault on Apache Kafka and a Redis Cluster, the long runs too; writes docs/faults.md
	NEWS_TEST_BACKEND=kafka $(PYTEST) -m "(fault or slow) and not browser" --junit-xml .cache/faults.xml $(ARGS)
	$(RUN) python -m tests.faults.report .cache/faults.xml docs/faults.md

lint: $(UV) ## Linter, formatter, types
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy

fmt: $(UV) ## Format, and mend what the linter can mend
	$(RUN) ruff check --fix
	$(RUN) ruff format

bench: $(UV) ## Measure; prints tables and writes JSON
	$(RUN) python -m tests.bench $(ARGS)

quality: $(UV) ## How good the links are, through the running service on the gold sets; writes JSON
	$(RUN) python -m tests.quality --gold $(GOLD) $(ARGS)

.tools/uv/bin/uv:
	$(PYTHON) -m venv .tools/uv
	.tools/uv/bin/pip install --quiet --disable-pip-version-check uv
