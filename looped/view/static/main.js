// main: opens the run, and shows every place that a person moves to.

import { id } from "./dom.js";
import { Names } from "./numbers.js";
import { Run } from "./run.js";
import { Place, phaseName } from "./place.js";
import { Lanes } from "./lanes.js";
import { Attention } from "./attention.js";
import { Units } from "./units.js";
import { Program } from "./program.js";
import { Words } from "./words.js";
import { Timeline } from "./timeline.js";
import { listen } from "./keys.js";

const run = await Run.open(id("story").textContent.trim(), JSON.parse(id("chunks").textContent));
const place = new Place(run);
const names = new Names(run.story);
const program = new Program(run, place, names);
const parts = [new Lanes(run, place), new Attention(run, place, names), new Units(run, place)];
const words = new Words(run, place, names);
const timeline = new Timeline(run, place, names, program);

let shown = Promise.resolve();

// Show the place where a person looks now; of several moves at once only the last one.
async function show() {
  const { step, loop } = place;
  const inside = (await run.loop(run.loopsOf(step)[0] + loop)) ?? run.end();
  if (step !== place.step || loop !== place.loop) return;
  program.show();
  words.show(inside);
  for (const part of parts) part.show(inside);
  timeline.show();
  id("status").textContent = status();
}

function status() {
  const { step, phase } = place;
  const now = run.at(step);
  if (now === undefined) return `after ${run.length} instructions: ${ending()}`;
  const loops = run.loopsOf(step)[1];
  const more = now === run.unfinished ? " and more, for which this page is too short" : "";
  const loop = loops > 1 || more ? `, loop ${place.loop + 1} of ${loops}${more}` : "";
  const trap = now.cause === null ? "" : `, trap ${now.cause}`;
  return `instruction ${step} of ${run.length}${loop}, ${phaseName(phase)} · pc ${names.pc(now.code[0])}: ${now.code[1]}${trap}`;
}

function ending() {
  if (run.story.ended === "halted") return "the program has halted";
  if (run.story.ended === "steps") return "the program is longer than this page (--steps)";
  return `the program is longer than this page, which shows at most ${run.story.loops} loops`;
}

function dark() {
  const set = document.documentElement.dataset.theme;
  return set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function label() {
  id("theme").textContent = dark() ? "Light" : "Dark";
}

function theme() {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  label();
  refresh();
}

function refresh() {
  timeline.marks();
  shown = shown.then(show);
}

place.watch(() => {
  shown = shown.then(show);
});
id("theme").addEventListener("click", theme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  label();
  refresh();
});
window.addEventListener("resize", refresh);
window.addEventListener("hashchange", () => place.follow(location.hash));
listen(place, timeline, theme);
label();
timeline.marks();
place.follow(location.hash);
await shown;

// For scripts: move, wait until the page shows it, and read what it shows.
window.looped = {
  length: run.length,
  async go(where) {
    place.go(where);
    await shown;
  },
  state: () => ({
    step: place.step,
    words: [...words.words],
    cpu: words.cpu,
    loops: run.loopsOf(place.step)[1],
  }),
};
document.documentElement.dataset.ready = "true";
