.PHONY: demo test test-all lint bench

VENV := .venv
BIN := $(VENV)/bin

demo: $(VENV)/ready ## Compile the prime sieve, run it on the transformer, verify every step
	mkdir -p build
	$(BIN)/looped compile programs/subleq/sieve.sasm -o build/sieve.safetensors
	$(BIN)/looped run build/sieve.safetensors
	$(BIN)/looped verify build/sieve.safetensors

test: $(VENV)/ready ## The test suite
	$(BIN)/pytest -m "not slow"

test-all: $(VENV)/ready ## The test suite with its slow part
	$(BIN)/pytest

bench: $(VENV)/ready ## Speed of all engines, side by side; BENCH=--write renews docs/performance.md
	$(BIN)/python -m benchmarks $(BENCH)

lint: $(VENV)/ready ## Style, types and the import rules of the house
	$(BIN)/ruff check looped tests benchmarks
	$(BIN)/ruff format --check looped tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/ready: pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,hf,plot]'
	touch $@
