// keys: what the keyboard does.

import { id, make } from "./dom.js";
import { attentionOf, blockOf } from "./place.js";

export function listen(place, timeline, theme) {
  const step = (by) => place.go({ step: place.step + by, loop: 0 });
  const keys = [
    ["→  ←", "one instruction on, or back", { ArrowRight: () => step(1), ArrowLeft: () => step(-1) }],
    ["↓  ↑", "one phase on, or back", { ArrowDown: () => place.movePhase(1), ArrowUp: () => place.movePhase(-1) }],
    [".  ,", "one loop on, or back", { ".": () => place.moveLoop(1), ",": () => place.moveLoop(-1) }],
    ["space", "play or pause", { " ": () => timeline.play() }],
    ["Home  End", "first or last instruction", { Home: () => step(-place.step), End: () => step(Infinity) }],
    ["PgDn  PgUp", "100 instructions on, or back", { PageDown: () => step(100), PageUp: () => step(-100) }],
    ["1 … 9", "attention of that block", Object.fromEntries([..."123456789"].map((key) => [key, () => place.go({ phase: attentionOf(Number(key)) })]))],
    ["m", "MLP of this block", { m: () => place.go({ phase: attentionOf(blockOf(place.phase)) + 1 }) }],
    ["g", "go to an instruction", { g: () => id("goto").select() }],
    ["l", "run to a line", { l: () => id("line").select() }],
    ["w", "next write to a word: address, symbol or register", { w: () => id("write").select() }],
    ["d", "light or dark", { d: theme }],
    ["?", "these keys", { "?": () => id("keys").showModal() }],
  ];
  const actions = Object.assign({}, ...keys.map(([, , each]) => each));
  const rows = keys.map(([names, what]) => make("tr", {}, make("th", { scope: "row" }, names), make("td", {}, what)));
  id("keys").append(make("h2", {}, "Keys"), make("table", {}, make("tbody", {}, ...rows)), make("button", { onclick: () => id("keys").close() }, "Close"));
  id("help").addEventListener("click", () => id("keys").showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || id("keys").open) return;
    const typing = event.target.matches("input:not([type=range]), select");
    if (typing && event.key === "Escape") event.target.blur();
    if (typing || (event.key === " " && event.target.matches("button"))) return;
    const act = actions[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
}
