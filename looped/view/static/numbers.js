// numbers: words as text, and the names of columns.

export class Names {
  constructor(story) {
    this.story = story;
    this.labels = new Map();
    for (const [name, address] of Object.entries(story.symbols)) {
      if (address >= 0 && !name.includes(".") && !this.labels.has(address)) this.labels.set(address, name);
    }
  }

  address(index) {
    const { unit } = this.story;
    return unit > 1 ? hex(index * unit, 4) : String(index);
  }

  pc(value) {
    return this.story.unit > 1 ? hex(value, 4) : String(value);
  }

  // The name of a column: mem[17], x5 t0, cpu.
  column(column) {
    const { memory, columns, registers } = this.story;
    if (column < memory) return `mem[${this.address(column)}]`;
    return registers[column - memory] ?? columns[column - memory];
  }

  // A word of memory or of the register file as people read it on this machine.
  word(value) {
    const { width, unit } = this.story;
    return unit > 1 ? hex(value, width / 4, "") : String(signed(value, width));
  }

  label(index) {
    return this.labels.get(index * this.story.unit) ?? null;
  }

  // The column that a person names: an address, a symbol, a register; -1 if there is none.
  find(text) {
    const { memory, registers, symbols, unit } = this.story;
    const asked = text.trim().replace(/^mem\[(.*)\]$/, "$1");
    const register = registers.findIndex((name) => name.split(" ").includes(asked));
    if (register >= 0) return memory + register;
    const number = asked in symbols ? symbols[asked] : asked === "" ? NaN : Number(asked);
    const index = Math.floor(number / unit);
    return index >= 0 && index < memory ? index : -1;
  }
}

export function hex(value, digits, prefix = "0x") {
  return prefix + value.toString(16).padStart(digits, "0");
}

export function signed(value, width) {
  return value >= 2 ** (width - 1) ? value - 2 ** width : value;
}

// The bits of lanes, least significant first, as an unsigned number.
export function number(lanes, on) {
  return lanes.reduce((sum, lane, bit) => sum + (on(lane) ? 2 ** bit : 0), 0);
}
