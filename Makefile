# Needs on a fresh machine: make, python3 (3.11 or newer) with its venv module. `make test` also
# needs Debian's packages named in tests/services/system_packages, and installs them if it may.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed
# mutmut would bring other versions of what the tests run with: it gets an environment of its own.
MUTMUT ?= .venv/mutmut
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))
COMPILE := $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header
# What the linters need to import the settings; nothing is stored with them.
LINT_ENV := SSPR_SECRET_KEY=only-for-linting-and-never-where-anything-is-stored \
	SSPR_ENCRYPTION_KEYS=another-key-only-for-linting-and-never-for-service \
	SSPR_TESTING=1 DATABASE_URL=sqlite://:memory:

.PHONY: help
help: ## List what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

.PHONY: run
run: $(RUNTIME) $(CATALOGUES) ## Run everything here: web server, workers, demo tenants, mailbox (PORT=8000)
	@exec $(BIN)/python -m sspr.run

.PHONY: run-directory
run-directory: $(RUNTIME) $(CATALOGUES) ## The same, and an organisation whose people are in a throwaway OpenLDAP
	@[ -x /usr/sbin/slapd ] || { echo "make run-directory needs OpenLDAP: apt-get install slapd"; exit 1; }
	@exec $(BIN)/python -m tests.services.run_directory

.PHONY: test
test: system-packages check ## Lint, then every test on SQLite and on PostgreSQL + Redis (ARGS="-k reset")
	@exec $(BIN)/python -m tests.services.run --share $(ARGS)

.PHONY: test-sqlite
test-sqlite: $(DEV) $(CATALOGUES) ## The tests on SQLite only (ARGS="-k reset")
	@exec $(BIN)/python -m tests.services.run --only sqlite --share $(ARGS)

.PHONY: quick
quick: $(DEV) $(CATALOGUES) ## In about two minutes: on SQLite, one case of each test, no browser
	@exec $(BIN)/python -m tests.services.run --only sqlite --share --quick -q $(ARGS)

LINTS := lint-style lint-types lint-imports lint-templates lint-spelling lint-migrations lint-security
.PHONY: check
check: $(DEV) $(CATALOGUES) ## Lint only: style, types, imports, templates, spelling, migrations, security
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=target $(LINTS)
	@echo "check: clean"

.PHONY: $(LINTS)
lint-style:
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted; make format mends it:"; $(BIN)/ruff format --check . | grep ^Would; exit 1; }

lint-types:
	@$(LINT_ENV) $(BIN)/mypy --no-error-summary .

lint-imports:
	@out=$$($(BIN)/lint-imports --no-logo) || { echo "$$out"; exit 1; }

lint-templates:
	@out=$$(find templates -name '*.html' -print0 | xargs -0r $(BIN)/djade --check --target-version 5.2 2>&1) || { echo "$$out"; exit 1; }
	@out=$$($(BIN)/djlint --lint --quiet templates 2>&1) || { echo "$$out"; exit 1; }

lint-spelling:
	@$(BIN)/codespell --ignore-words-list aci --skip '*.lock,*.po,*.mo,*.svg,*.csv,./locale,./var,./staticfiles' .

lint-migrations:
	@out=$$($(LINT_ENV) $(BIN)/python manage.py makemigrations --check --dry-run) || { echo "$$out"; exit 1; }

.PHONY: attacks
attacks: $(DEV) $(CATALOGUES) ## The tests that docs/security.md names, on SQLite and PostgreSQL
	@$(BIN)/python -m tests.services.run --share -m attack

.PHONY: fuzz
fuzz: $(DEV) $(CATALOGUES) ## Ten thousand pieces of nonsense from everybody to every address (ten minutes)
	@FUZZ_EXAMPLES=10000 $(BIN)/python -m tests.services.run --only sqlite tests/attacks/test_fuzz.py

.PHONY: mutants
mutants: $(DEV) $(CATALOGUES) $(MUTMUT)/.installed ## Change the code in small ways: do the tests notice? (ARGS="limits/rules")
	@$(BIN)/python -m tests.mutants.run $(MUTMUT)/bin/python $(ARGS)

lint-security:
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml .

.PHONY: audit
audit: $(DEV) ## Ask PyPI for known weaknesses of what is locked (needs the network)
	@$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements-dev.lock

.PHONY: format
format: $(DEV) ## Format code and templates
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .
	@find templates -name '*.html' -print0 | xargs -0r $(BIN)/djade --target-version 5.2

.PHONY: messages
messages: $(DEV) ## Collect texts to translate into locale/ (a new language: mkdir locale/xx first)
	@command -v xgettext >/dev/null || { echo "make messages needs gettext: apt-get install gettext"; exit 1; }
	@$(LINT_ENV) $(BIN)/python manage.py makemessages --all --no-wrap --add-location file \
		--ignore '.venv' --ignore 'var' --ignore 'tests'
	@$(MAKE) --no-print-directory catalogues

.PHONY: catalogues
catalogues: $(CATALOGUES)

%.mo: %.po | $(RUNTIME)
	@rm -f $@
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@ --locale $(notdir $(patsubst %/LC_MESSAGES/,%,$(dir $<)))
	@test -f $@ || { echo "$< is marked '#, fuzzy' at its top, so nothing is compiled from it: remove that line when it's translated"; exit 1; }

.PHONY: lock
lock: $(UV) ## Lock the newest allowed versions, with hashes, into requirements*.lock
	@echo uv | $(COMPILE:pyproject.toml=-) --upgrade --output-file requirements-uv.lock
	@$(COMPILE) --upgrade --output-file requirements.lock
	@$(COMPILE) --upgrade --constraint requirements.lock --group test --group lint --output-file requirements-dev.lock
	@$(COMPILE:pyproject.toml=) --upgrade --group mutants --output-file requirements-mutants.lock
	@git --no-pager diff --stat -- 'requirements*.lock' || true

.PHONY: clean
clean: ## Remove the environment, caches and compiled catalogues; var/ (data and keys) stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis $(CATALOGUES)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: system-packages
system-packages:
	@tests/services/system_packages

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	@echo "Making the environment in .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --requirement requirements-uv.lock

$(RUNTIME): requirements.lock | $(UV)
	@echo "Installing what the service needs, as locked"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	@touch $@

$(DEV): requirements-dev.lock requirements.lock | $(UV)
	@echo "Installing what the service, its tests and linters need, as locked"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements-dev.lock
	@touch $(RUNTIME) $@

$(MUTMUT)/.installed: requirements-mutants.lock | $(UV)
	@echo "Installing mutmut, as locked, into $(MUTMUT)"
	@$(UV) venv --quiet --clear --python $(BIN)/python $(MUTMUT)
	@$(UV) pip install --quiet --python $(MUTMUT)/bin/python --require-hashes --requirement requirements-mutants.lock
	@touch $@
