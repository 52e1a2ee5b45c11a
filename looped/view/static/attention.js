// attention: arcs from the column that attends to the column that it attends to, and their numbers.

import { drawn, id, make } from "./dom.js";

const HEIGHT = 108; // of the drawing, in pixels

export class Attention {
  constructor(run, place, names) {
    this.run = run;
    this.place = place;
    this.names = names;
  }

  show(inside) {
    const block = Math.max(0, this.place.phase) >> 1;
    const active = this.place.phase >= 0 && this.place.phase % 2 === 0;
    id("attention").classList.toggle("active", active);
    id("attention").querySelector("h2").textContent = `Attention, block ${block + 1}`;
    const heads = this.run.story.blocks[block].heads;
    const arcs = inside.heads === null ? [] : this.arcs(inside, block);
    id("arcs").replaceChildren(arcs.length ? this.draw(arcs, heads) : make("p", { class: "none" }, this.nothing(inside, heads)));
    id("heads").replaceChildren(...(arcs.length ? [this.table(arcs, heads)] : []));
  }

  nothing(inside, heads) {
    if (inside.heads === null) return "The run ends here.";
    return heads.length ? "" : "This block has no heads.";
  }

  arcs(inside, block) {
    const own = inside.heads[block].map((cpus, head) => ({ head, column: this.run.story.cpus[0] + this.place.cpu, ...cpus[this.place.cpu] }));
    const others = inside.arcs.filter((arc) => arc.block === block);
    return [...own, ...others].map((arc, index) => ({ ...arc, sign: String(index + 1) }));
  }

  draw(arcs, heads) {
    const width = id("arcs").clientWidth;
    const columns = [...new Set(arcs.flatMap(({ column, target }) => [column, target]))].sort((a, b) => a - b);
    const gap = (width - 70) / Math.max(1, columns.length - 1);
    const x = new Map(columns.map((column, at) => [column, columns.length === 1 ? width / 2 : 35 + at * gap]));
    const base = HEIGHT - 20;
    const told = arcs.map((arc) => this.sentence(arc, heads)).join("; ");
    const axis = drawn("line", { x1: 6, x2: width - 6, y1: base, y2: base, class: "axis" });
    const ticks = columns.flatMap((column, at) => this.tick(column, x.get(column), base, gap < 62 && at % 2 === 1));
    const shapes = bundles(arcs).flatMap((arc) => arcShape(arc, x.get(arc.column), x.get(arc.target), base, width));
    return drawn("svg", { width, height: HEIGHT, role: "img", "aria-label": told },
      drawn("title", {}, told), marker(), axis, ...shapes, ...ticks);
  }

  tick(column, x, base, low) {
    const cpu = column >= this.run.story.cpus[0] && column < this.run.story.cpus[1];
    const dot = drawn(cpu ? "rect" : "circle", cpu ? { x: x - 4, y: base - 4, width: 8, height: 8, class: "cpu" } : { cx: x, cy: base, r: 3.5, class: "column" });
    const text = drawn("text", { x, y: base + (low ? 0 : 15), dy: low ? 15 : 0, "text-anchor": "middle", class: cpu ? "cpu" : "" }, this.short(column));
    return [dot, text];
  }

  short(column) {
    const name = this.names.column(column);
    return name.startsWith("cpu") ? name : name.replace(/^mem\[(.*)\]$/, "$1").split(" ").at(-1);
  }

  sentence({ head, column, target, score, margin }, heads) {
    return `${heads[head].name}: ${this.names.column(column)} attends to ${this.names.column(target)}, score ${score}, margin ${margin}`;
  }

  table(arcs, heads) {
    const row = (arc) => make("tr", { title: heads[arc.head].meaning },
      make("td", { class: "sign" }, arc.sign), make("td", { class: "name" }, heads[arc.head].name),
      make("td", {}, `${this.names.column(arc.column)} → ${this.names.column(arc.target)}`),
      make("td", { class: "number" }, String(arc.score)), make("td", { class: "number" }, String(arc.margin)));
    const head = make("tr", {}, ...["", "head", "attends to", "score", "margin"].map((name, at) => make("th", { class: at > 2 ? "number" : null, scope: "col" }, name)));
    return make("table", {}, make("thead", {}, head), make("tbody", {}, ...arcs.map(row)));
  }
}

function marker() {
  const tip = drawn("path", { d: "M0 0 L7 3 L0 6 z", class: "tip" });
  return drawn("defs", {}, drawn("marker", { id: "tip", markerWidth: 8, markerHeight: 6, refX: 6.5, refY: 3, orient: "auto" }, tip));
}

// One arc for all heads in which the same column attends to the same column.
function bundles(arcs) {
  const found = new Map();
  for (const { column, target, sign } of arcs) {
    const key = `${column} ${target}`;
    if (found.has(key)) found.get(key).signs.push(sign);
    else found.set(key, { column, target, signs: [sign], back: found.has(`${target} ${column}`) });
  }
  return [...found.values()];
}

function arcShape({ column, target, signs, back }, from, to, base, width) {
  const own = column === target;
  const rise = own ? 46 : 24 + ((base - 36) * Math.abs(to - from)) / (width - 70) - (back ? 18 : 0);
  const path = own
    ? `M${from + 3} ${base - 5} C${from + 30} ${base - rise * 1.3} ${from - 30} ${base - rise * 1.3} ${from - 3} ${base - 5}`
    : `M${from} ${base - 5} C${from} ${base - rise * 1.3} ${to} ${base - rise * 1.3} ${to} ${base - 5}`;
  const top = base - 1.2 - rise * 0.975;
  const middle = (from + to) / 2;
  const text = signs.join(" ");
  const wide = 6.6 * text.length + 9;
  return [
    drawn("path", { d: path, class: "arc", "marker-end": "url(#tip)" }),
    drawn("rect", { x: middle - wide / 2, y: top - 8, width: wide, height: 16, rx: 8, class: "badge" }),
    drawn("text", { x: middle, y: top + 4, "text-anchor": "middle", class: "badge" }, text),
  ];
}
