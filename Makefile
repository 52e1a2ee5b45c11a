.PHONY: demo test test-all lint bench programs-c docs pictures screenshots study study-tables study-paper \
	study-learning

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
	$(BIN)/python -m benchmarks.fleq
	$(BIN)/python -m benchmarks.peers

lint: $(VENV)/ready ## Style, types and the import rules of the house
	$(BIN)/ruff check looped tests benchmarks examples docs
	$(BIN)/ruff format --check looped tests benchmarks examples docs
	$(BIN)/mypy
	$(BIN)/lint-imports

STUDIES := study-tables study-paper study-learning

study: $(VENV)/ready ## Tables and figures of the studies again, from their seeds, two at a time on two cores
	$(MAKE) -j 2 $(STUDIES)

# two threads of one study wait for each other longer than they help
$(STUDIES): export OMP_NUM_THREADS := 1

# the commands that a page shows, one after the other
SHOWN = awk '/^\$$ looped/ {on = 1} on {sub(/^\$$ /, ""); print; on = /\\$$/}'

study-tables: $(VENV)/ready ## Tables of docs/study.md and of the ablations, docs/variants.svg
	mkdir -p build
	$(SHOWN) docs/study.md docs/ablation-*.md | PATH="$(CURDIR)/$(BIN):$$PATH" sh -ex > build/study.md

study-paper: $(VENV)/ready ## Tables of docs/paper.md, and docs/paper.png
	$(BIN)/looped study paper --page docs/paper.md --plot docs/paper.png

study-learning: $(VENV)/ready ## Tables of docs/learning.md
	mkdir -p build
	$(SHOWN) docs/learning.md | PATH="$(CURDIR)/$(BIN):$$PATH" sh -ex > build/learning.md

docs: $(VENV)/ready ## The documentation as a site in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

pictures: $(VENV)/ready ## The pictures of docs/pictures again
	$(BIN)/looped plot weights subleq --width 8 --memory 64 --block 2 -o docs/pictures/weights.svg
	$(BIN)/looped plot step programs/subleq/multiply.sasm --step 8 -o docs/pictures/step.svg
	$(BIN)/looped plot memory programs/subleq/sieve.sasm -o docs/pictures/memory.svg
	$(BIN)/looped plot heads programs/subleq/multiply.sasm -o docs/pictures/heads.png

screenshots: $(VENV)/ready ## The pictures of docs/view.md again, by Chromium
	$(BIN)/python -m tests.view.pictures

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
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,hf,hosts,plot,cluster,prove,docs]'
	touch $@
