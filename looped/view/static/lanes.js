// lanes: the residual stream of a CPU column: a map of all lanes after every phase, and the words
// of one phase with their bits.

import { canvas, color, drawn, id, make } from "./dom.js";
import { number, signed } from "./numbers.js";
import { phaseName } from "./place.js";

const ROW = 15; // height of a phase in the map, in pixels
const NAME = 138; // width of its name

export class Lanes {
  constructor(run, place) {
    this.run = run;
    this.place = place;
    this.names = run.story.phases.map((words) => laneNames(words));
    this.rows = run.story.phases.map((_, row) => this.row(row));
    this.labels = make("div", { id: "labels", "aria-hidden": "true" });
    id("map").append(...this.rows.map(({ element }) => element), this.labels);
  }

  row(index) {
    const map = make("canvas", { role: "img" });
    map.addEventListener("mousemove", (event) => {
      const lane = Math.floor((event.offsetX / map.clientWidth) * this.run.story.lanes);
      map.title = `lane ${lane}: ${this.names[index].get(lane) ?? "idle"}`;
    });
    const button = make("button", { onclick: () => this.place.go({ phase: index - 1 }) }, phaseName(index - 1));
    return { map, button, element: make("div", { class: "phase" }, button, map) };
  }

  show(inside) {
    const { phase, cpu } = this.place;
    const which = this.run.cpus > 1 ? `CPU column ${cpu}` : "the CPU column";
    id("lanes").querySelector("h2").textContent = `Residual stream of ${which} after ${phaseName(phase).replace("start", "the loop before")}`;
    const on = (row, lane) => inside.lane(row - 1, cpu, lane);
    this.rows.forEach(({ map, button }, row) => {
      const active = row === phase + 1;
      button.setAttribute("aria-current", active ? "step" : "false");
      button.disabled = inside.heads === null && row > 0;
      if (inside.heads === null && row > 0) canvas(map, map.parentElement.clientWidth - NAME, ROW - 3);
      else this.draw(map, row, on);
    });
    this.label(phase + 1);
    this.hold(phase + 1, on);
  }

  // Names below the map, of the words of a phase whose lanes lie side by side and leave room.
  label(row) {
    const scale = (id("map").clientWidth - NAME) / this.run.story.lanes;
    const runs = this.run.story.phases[row].flatMap(([name, lanes]) => sideBySide(lanes).map(([first, count]) => ({ name, left: first * scale, width: count * scale - 1 })));
    const roomy = runs.filter(({ name, width }) => width > 6.2 * name.length + 4);
    this.labels.replaceChildren(...roomy.map(({ name, left, width }) => {
      const span = make("span", {}, name);
      Object.assign(span.style, { left: `${left}px`, width: `${width}px` });
      return span;
    }));
  }

  draw(map, row, on) {
    const { lanes } = this.run.story;
    const width = map.parentElement.clientWidth - NAME;
    const context = canvas(map, width, ROW - 3);
    const [ink, paper, idle, mark] = ["ink", "zero", "idle", "change"].map(color);
    let changed = 0;
    for (let lane = 0; lane < lanes; lane++) {
      const [left, right] = [lane, lane + 1].map((x) => (x * width) / lanes);
      const held = this.names[row].has(lane);
      context.fillStyle = !held ? idle : on(row, lane) ? ink : paper;
      context.fillRect(left, 0, right - left - (width > 3 * lanes ? 0.6 : 0), held ? ROW - 6 : 2);
      if (row > 0 && on(row, lane) !== on(row - 1, lane)) {
        changed++;
        context.fillStyle = mark;
        context.fillRect(left, ROW - 5.5, Math.max(1.2, right - left - 0.6), 2.5);
      }
    }
    map.setAttribute("aria-label", `${phaseName(row - 1)}: ${this.names[row].size} of ${lanes} lanes in use, ${changed} changed`);
  }

  // The words of a phase: rows of bits for words, one line of flags for single bits.
  hold(row, on) {
    const words = this.run.story.phases[row];
    const before = new Map(row > 0 ? this.run.story.phases[row - 1] : []);
    const flags = words.filter(([, lanes]) => lanes.length === 1);
    const changed = ([word, lanes]) => row > 0 && (!before.has(word) || lanes.some((lane) => on(row, lane) !== on(row - 1, lane)));
    const wide = words.filter(([, lanes]) => lanes.length > 1);
    id("hold").replaceChildren(
      make("div", { class: "words" }, ...wide.map((each) => this.word(each, changed(each), (lane) => on(row, lane), (lane) => row > 0 && on(row, lane) !== on(row - 1, lane)))),
      make("div", { class: "flags" }, ...flags.map((each) => flag(each, on(row, each[1][0]), changed(each)))),
    );
  }

  word([name, lanes], changed, on, moved) {
    const value = number(lanes, on);
    const { width } = this.run.story;
    const shown = lanes.length === width && width !== 32 ? signed(value, width) : value;
    const text = lanes.length >= 20 ? `0x${value.toString(16).padStart(Math.ceil(lanes.length / 4), "0")}` : String(shown);
    return make("div", { class: changed ? "word changed" : "word", title: `${name} = ${value}, ${lanes.length} bits` },
      make("span", { class: "name" }, name), bits(lanes, on, moved), make("span", { class: "value" }, text));
  }
}

// The bits of a word, the most significant one on the left; a bit that changed has a line below.
function bits(lanes, on, moved) {
  const width = lanes.length > 32 ? 3 : lanes.length > 16 ? 4 : 7;
  const cells = lanes.toReversed().flatMap((lane, at) => {
    const x = at * width;
    const cell = drawn("rect", { x: x + 0.5, y: 1.5, width: width - 1.2, height: 8, class: on(lane) ? "one" : "zero" });
    return moved(lane) ? [cell, drawn("rect", { x: x + 0.2, y: 11.4, width: width - 0.8, height: 2, class: "moved" })] : [cell];
  });
  return drawn("svg", { width: lanes.length * width, height: 14, class: "bits", "aria-hidden": "true" }, ...cells);
}

function flag([name], on, changed) {
  return make("span", { class: `flag${on ? " on" : ""}${changed ? " changed" : ""}` }, `${on ? "■" : "□"} ${name}`);
}

// The stretches of lanes that lie side by side: first lane and length.
function sideBySide(lanes) {
  const runs = [];
  for (const lane of lanes.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === lane) last[1]++;
    else runs.push([lane, 1]);
  }
  return runs;
}

function laneNames(words) {
  return new Map(words.flatMap(([word, lanes]) => lanes.map((lane, bit) => [lane, lanes.length > 1 ? `${word}.${bit}` : word])));
}
