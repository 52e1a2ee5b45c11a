.PHONY: demo test test-all lint bench pictures programs-c

VENV := .venv
BIN := $(VENV)/bin

demo: $(VENV)/ready ## Compile the prime sieve, run it on the transformer, verify every step
	mkdir -p build
	$(BIN)/looped compile programs/subleq/sieve.sasm -o build/sieve.safetensors
	$(BIN)/looped run build/sieve.safetensors
	$(BIN)/looped verify build/sieve.safetensors

PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile

test: $(VENV)/ready ## The test suite, on all cores, with the same random numbers every time
	$(PYTEST) -m "not slow"

test-all: $(VENV)/ready ## The test suite with its slow part, on more examples, with new random numbers
	$(PYTEST) --hypothesis-profile=fresh

bench: $(VENV)/ready ## Speed of all engines, side by side; BENCH=--write renews docs/performance.md
	$(BIN)/python -m benchmarks $(BENCH)

pictures: $(VENV)/ready ## The pictures of docs/view.md, by Chromium
	$(BIN)/python -m tests.view.pictures

lint: $(VENV)/ready ## Style, types and the import rules of the house
	$(BIN)/ruff check looped tests benchmarks
	$(BIN)/ruff format --check looped tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

RISCV_CC := riscv64-unknown-elf-gcc
RISCV_FLAGS := -march=rv32i -mabi=ilp32 -O2 -std=c11 -Wall -Wextra -ffreestanding -nostdlib \
	-fno-tree-loop-distribute-patterns -Wl,--no-warn-rwx-segments -T programs/c/lib/program.ld
C_BUILD := build/c
C_PROGRAMS := $(patsubst programs/c/%.c,$(C_BUILD)/%.elf,$(wildcard programs/c/*.c))

programs-c: $(C_PROGRAMS) ## C programs to ELF files in build/c (Debian: gcc-riscv64-unknown-elf)

$(C_BUILD)/%.elf: programs/c/%.c $(wildcard programs/c/lib/*)
	mkdir -p $(C_BUILD)
	$(RISCV_CC) $(RISCV_FLAGS) programs/c/lib/crt0.s programs/c/lib/system.c $< -lgcc -o $@

$(VENV)/ready: pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,hf,plot,cluster,prove]'
	touch $@
