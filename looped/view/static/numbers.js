// numbers: words as text, and the names of columns.

const SPACE = 2 ** 32; // addresses

export class Names {
  constructor(story) {
    this.story = story;
    this.labels = new Map();
    for (const [name, address] of Object.entries(story.labels)) {
      if (!this.labels.has(address)) this.labels.set(address, name);
    }
  }

  // The address of a word of memory. Words of two regions alternate.
  location(index) {
    const { unit, bases } = this.story;
    return bases[index % bases.length] + Math.floor(index / bases.length) * unit;
  }

  // The word of memory at an address; outside memory, the number is too high.
  index(address) {
    const { unit, bases } = this.story;
    const selector = 31 - Math.clz32(bases[0] ^ bases.at(-1));
    const region = bases.length > 1 ? ((address ^ bases[0]) >>> selector) & 1 : 0;
    const distance = address - bases[region];
    return Math.floor((distance < 0 ? distance + SPACE : distance) / unit) * bases.length + region;
  }

  address(index) {
    return this.pc(this.location(index));
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
    return this.labels.get(this.location(index)) ?? null;
  }

  // The column that a person names: an address, a symbol, a register; -1 if there is none.
  find(text) {
    const { memory, registers, symbols } = this.story;
    const asked = text.trim().replace(/^mem\[(.*)\]$/, "$1");
    const register = registers.findIndex((name) => name.split(" ").includes(asked));
    if (register >= 0) return memory + register;
    const number = asked in symbols ? symbols[asked] : asked === "" ? NaN : Number(asked);
    const index = number >= 0 ? this.index(number) : -1;
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
