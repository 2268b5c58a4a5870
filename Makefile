# What a person runs: `make demo`, `make test`; `make help` lists the rest.
PYTHON ?= python3
ENV := .venv/bin

.PHONY: help setup demo test check bench clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: ## virtual environment, real 32-bit MicroPython, type stubs (idempotent, cached)
	@$(PYTHON) host_tools/setup_venv.py
	@$(ENV)/python -m host_tools.setup_micropython

demo: setup ## capture, sync, an outage, and the account of it, in about 40 s
	@$(ENV)/microserver demo

test: check ## every test, on CPython and on the real MicroPython
	@$(ENV)/python -m pytest

check: setup ## ruff, mypy (host strict, firmware on MicroPython's own stubs), the layer rule
	@$(ENV)/ruff check .
	@$(ENV)/ruff format --check .
	@$(ENV)/mypy --config-file tests/mypy_host.ini
	@$(ENV)/mypy --config-file tests/mypy_firmware.ini
	@$(ENV)/python -m pytest tests/host_tools/test_layers.py

bench: setup ## the figures that the README claims
	@$(ENV)/python -m tests.bench

clean: ## forget everything that was built here (the shared cache stays)
	rm -rf .venv typings build .pytest_cache .mypy_cache .ruff_cache
