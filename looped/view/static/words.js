// words: registers and memory, what the last instruction changed, and what this one reads and writes.

import { id, make, scrollIntoPanel } from "./dom.js";
import { number, signed } from "./numbers.js";

const LINE = 19; // height of a row of memory, in pixels

export class Words {
  constructor(run, place, names) {
    this.run = run;
    this.place = place;
    this.names = names;
    this.wide = run.story.width > 16 ? 3 : 4;
    this.panel = document.querySelector("#memory .scroll");
    this.rows = make("div", { class: "rows", role: "table", "aria-label": "Memory" });
    this.strip = run.story.memory / run.story.bases.length; // words of a region
    this.perStrip = Math.ceil(this.strip / this.wide); // rows of a region
    this.rows.style.height = `${this.perStrip * run.story.bases.length * LINE}px`;
    this.panel.replaceChildren(this.rows);
    this.panel.addEventListener("scroll", () => this.memory());
    this.words = run.wordsBefore(0);
    this.seen = null;
  }

  // What is at this place: program counter, memory, registers of the file and of the CPU.
  state(inside) {
    const { story } = this.run;
    const words = this.run.wordsBefore(this.place.step);
    const kept = Object.entries(story.kept).map(([word, lanes]) => [word, number(lanes, (lane) => inside.lane(-1, this.place.cpu, lane))]);
    return { words, cpu: Object.fromEntries(kept) };
  }

  show(inside) {
    const { step } = this.place;
    const { words, cpu } = this.state(inside);
    [this.words, this.cpu] = [words, cpu];
    this.notes = this.noted(step);
    const moved = this.seen !== step;
    this.seen = step;
    this.registers();
    if (moved) this.follow();
    this.memory();
  }

  // By column: what the last step changed, and what this one reads and writes.
  noted(step) {
    const notes = new Map();
    const note = (column, kind, value = true) => notes.set(column, { ...notes.get(column), [kind]: value });
    if (step > 0) for (const [column] of this.run.steps[step - 1].writes) note(column, "changed");
    const now = this.run.at(step);
    for (const column of now?.reads ?? []) note(column, "reads");
    for (const [column, value] of now?.writes ?? []) note(column, "writes", value);
    return notes;
  }

  registers() {
    const { story } = this.run;
    const cpu = Object.entries(this.cpu).map(([name, value]) => this.cell(name, story.kept[name].length > 1 ? this.kept(name, value) : String(value), null));
    const file = story.registers.map((name, at) => {
      const column = story.memory + at;
      return this.cell(name, this.names.word(this.words[column]), column);
    });
    const panel = document.querySelector("#registers .scroll");
    panel.replaceChildren(make("div", { class: "grid" }, ...cpu, ...file));
  }

  kept(name, value) {
    if (name === "pc") return this.names.pc(value);
    return this.run.story.kept[name].length >= 20 ? this.names.word(value) : String(value);
  }

  cell(name, text, column) {
    const note = this.notes.get(column) ?? {};
    const future = note.writes !== undefined ? `${name} becomes ${this.names.word(note.writes)}` : "";
    return make("div", { class: `cell ${classes(note)}`, title: future || (note.changed ? "the last instruction wrote it" : name), "data-column": column },
      make("span", { class: "name" }, name), make("span", { class: "value" }, text));
  }

  // Scroll to the word that this instruction writes, or else to the one that the last has written;
  // the same for the registers.
  follow() {
    const panel = document.querySelector("#registers .scroll");
    const register = panel.querySelector(".writes") ?? panel.querySelector(".changed");
    if (register !== null) scrollIntoPanel(panel, register);
    const { memory } = this.run.story;
    const inMemory = (kind) => [...this.notes].find(([column, note]) => column < memory && note[kind] !== undefined)?.[0];
    const column = inMemory("writes") ?? inMemory("changed") ?? inMemory("reads");
    if (column !== undefined) this.reveal(column);
  }

  reveal(column) {
    const regions = this.run.story.bases.length;
    const row = (column % regions) * this.perStrip + Math.floor(Math.floor(column / regions) / this.wide);
    const top = row * LINE;
    const { scrollTop, clientHeight } = this.panel;
    if (top < scrollTop || top + LINE > scrollTop + clientHeight) this.panel.scrollTop = top - clientHeight / 2;
  }

  memory() {
    const first = Math.max(0, Math.floor(this.panel.scrollTop / LINE) - 2);
    const count = Math.ceil(this.panel.clientHeight / LINE) + 4;
    const rows = [];
    for (let row = first; row < Math.min(first + count, this.perStrip * this.run.story.bases.length); row++) {
      const columns = this.columns(row);
      const line = make("div", { class: "row", role: "row" }, make("span", { class: "address", role: "rowheader" }, this.names.address(columns[0])), ...columns.map((column) => this.word(column)));
      line.style.top = `${row * LINE}px`;
      rows.push(line);
    }
    this.rows.replaceChildren(...rows);
  }

  // The columns of a row: words at consecutive addresses of one region.
  columns(row) {
    const regions = this.run.story.bases.length;
    const region = Math.floor(row / this.perStrip);
    const first = (row % this.perStrip) * this.wide;
    const length = Math.min(this.wide, this.strip - first);
    return Array.from({ length }, (_, at) => (first + at) * regions + region);
  }

  word(column) {
    const note = this.notes.get(column) ?? {};
    const label = this.names.label(column);
    const told = [
      this.names.column(column), label, note.changed ? "the last instruction wrote it" : null, note.reads ? "this instruction reads it" : null,
      note.writes !== undefined ? `becomes ${this.names.word(note.writes)}` : null,
    ].filter(Boolean).join(", ");
    return make("span", { class: `cell ${classes(note)}`, role: "cell", title: told, "data-column": column }, this.names.word(this.words[column]));
  }
}

function classes({ changed, reads, writes }) {
  return [changed && "changed", reads && "reads", writes !== undefined && "writes"].filter(Boolean).join(" ");
}
