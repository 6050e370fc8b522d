# The project's commands. Each sets up what it needs; `make demo` and `make test` are the ones to start with.

PYTHON ?= python3
PY := .venv/bin/python
WORKERS ?= auto

.PHONY: demo test setup check format lint types imports docs bench torture kafka kafka-stop clean

demo: .venv/ready
	rm -rf demo-out
	.venv/bin/cartwheel replay examples/shop/shop.yaml --events examples/shop/events --out demo-out

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

check: format lint types imports test

format: .venv/ready
	.venv/bin/ruff format --check .

lint: .venv/ready
	.venv/bin/ruff check .

types: .venv/ready
	.venv/bin/mypy

imports: .venv/ready
	.venv/bin/lint-imports

test: .venv/ready
	$(PY) -m pytest -n $(WORKERS) --dist loadfile -m 'not torture'

docs: .venv/ready
	$(PY) -m pytest tests/docs

torture: .venv/ready
	$(PY) -m pytest -m torture

bench: .venv/ready
	$(PY) -m bench
	$(PY) -m bench.kafka

kafka: .venv/ready
	@$(PY) -m broker start

kafka-stop: .venv/ready
	@$(PY) -m broker stop

clean:
	rm -rf .venv demo-out build *.egg-info
