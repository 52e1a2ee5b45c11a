// units: the groups of hidden units of a block's MLP, and which of them fire.

import { canvas, color, id, make } from "./dom.js";

const LONG = 112; // width of the strip of a group, in pixels

export class Units {
  constructor(run, place) {
    this.run = run;
    this.place = place;
  }

  show(inside) {
    const block = Math.max(0, this.place.phase) >> 1;
    const section = id("units");
    section.classList.toggle("active", this.place.phase >= 0 && this.place.phase % 2 === 1);
    section.querySelector("h2").textContent = `MLP, block ${block + 1}`;
    const groups = inside.heads === null ? [] : this.run.story.blocks[block].groups;
    const rows = groups.map((group) => this.row(group, block, inside));
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...["makes", "fire", "units"].map((name) => make("th", { scope: "col" }, name)))), make("tbody", {}, ...rows));
    section.querySelector(".scroll").replaceChildren(rows.length ? table : make("p", { class: "none" }, "The run ends here."));
  }

  row(group, block, inside) {
    const fired = group.units.map((unit) => inside.fires(block, this.place.cpu, unit));
    const count = fired.filter(Boolean).length;
    const strip = make("canvas", { "aria-hidden": "true" });
    const context = canvas(strip, LONG, 9);
    const step = Math.min(6, LONG / group.units.length);
    context.fillStyle = color("idle");
    context.fillRect(0, 3.5, step * group.units.length, 2);
    context.fillStyle = color("ink");
    fired.forEach((on, at) => on && context.fillRect(at * step, 0, Math.max(1, step - 0.8), 9));
    const from = group.reads.length ? `${group.name} from ${group.reads.join(", ")}` : group.name;
    return make("tr", { class: count ? null : "quiet", title: from },
      make("td", { class: "name" }, group.name), make("td", { class: "fire" }, `${count} of ${group.units.length}`), make("td", {}, strip));
  }
}
