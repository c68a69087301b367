# The commands of the project; `make help` lists them. Everything that differs between installations is an environment
# variable: .env.example names all of them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON_DIRS := tenants assets imaging damages inspection_platform tests bench
PRESENT_DIRS := $(wildcard $(PYTHON_DIRS))
PY := .venv/bin/python
MANAGE := $(PY) manage.py
PYTEST := $(PY) -m pytest

.PHONY: help setup setup-dev run test test-browser test-s3 lint format bench train train-check card evaluate lock clean

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## Make .venv and node_modules with what the platform runs on
	@deploy/setup.sh requirements.txt

setup-dev: setup
	@deploy/setup.sh requirements-dev.txt

run: setup ## Start everything in the foreground on 127.0.0.1:$PORT (default 8000); Ctrl-C stops it
	@exec $(PY) deploy/run.py

test: setup-dev ## Run the test suite (SQLite; TEST_DATABASE_URL=postgres://... runs it there); needs no service
	$(PYTEST) -q -n 2 $(ARGS)

test-browser: setup-dev ## Run the tests that click through the pages in a real browser
	$(PYTEST) -q -m browser $(ARGS)

test-s3: setup-dev ## Try uploads on a throw-away radosgw (needs Debian's ceph-base, ceph-mon, ceph-osd, radosgw)
	deploy/radosgw.sh $(PYTEST) -q tests/api/core/test_object_uploads.py $(ARGS)

# The production check gets settings of its own, drawn on the spot: nobody's secrets are needed to lint.
PRODUCTION = env DEBUG=off PUBLIC_URL=https://inspections.example.com TRUSTED_PROXIES=1 \
	DATABASE_URL=postgres://platform:platform@db.example.com/platform EMAIL_URL=smtp+tls://user:password@mail.example.com:587 \
	CODE_BACKEND=email \
	SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	SEALING_KEYS="$$($(PY) -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" $(MANAGE)

lint: setup-dev ## Check style, types, import lines, migrations, production settings and the API description
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy --strict $(PRESENT_DIRS)
	.venv/bin/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(PRODUCTION) check --deploy --fail-level WARNING
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null

format: setup-dev ## Format the code
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: setup-dev ## Run the benchmarks (JSON=1: as JSON)
	@$(PY) -m bench $(if $(JSON),--json)

# Without these, glibc gives each large tensor back to the system and asks for it anew: half of a step's time, measured.
KEEP_MEMORY = MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=20000000000

train: ## Train a model in an environment of its own: make train MODEL=damage_detector (data: DATA_ROOT)
	@test -n "$(MODEL)" || { echo "Which one? make train MODEL=damage_detector" >&2; exit 2; }
	@test -x .venv-train/bin/python || python3 -m venv .venv-train
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-train.txt
	$(KEEP_MEMORY) .venv-train/bin/python -m imaging.training train $(MODEL)

train-check: ## Test the training code in the environment that make train made
	.venv-train/bin/python -m pytest -q -c /dev/null --noconftest tests/imaging/training/torch_*checks.py

card: setup ## Choose the threshold on the validation photos, measure, and ship what was trained: make card MODEL=...
	@test -n "$(MODEL)" || { echo "Which one? make card MODEL=damage_detector" >&2; exit 2; }
	$(PY) -m imaging.training card $(MODEL)

evaluate: setup ## Judge the shipped model: make evaluate MODEL=damage_detector [DATA=x.json IMAGES=dir MASKS=dir JSON=1]
	@test -n "$(MODEL)" || { echo "Which one? make evaluate MODEL=damage_detector" >&2; exit 2; }
	@$(PY) -m imaging.training evaluate $(MODEL) $(if $(DATA),--data $(DATA)) $(if $(IMAGES),--images $(IMAGES)) \
	  $(if $(MASKS),--masks $(MASKS)) $(if $(JSON),--json)

lock: setup-dev ## Pin every package anew from requirements.in and requirements-dev.in
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url requirements.in -o requirements.txt
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url requirements-dev.in -o requirements-dev.txt

clean: ## Remove what can be made again (environments, node_modules, caches, collected files); var/ data stays
	rm -rf .venv .venv-train node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache var/static
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
