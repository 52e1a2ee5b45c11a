// timeline: the slider with its marks, and the buttons that move.

import { canvas, color, id, make } from "./dom.js";

const BEAT = 350; // milliseconds between two instructions while the page plays

export class Timeline {
  constructor(run, place, names, program) {
    this.run = run;
    this.place = place;
    this.names = names;
    this.program = program;
    this.timer = null;
    this.watched = null;
    id("slider").max = String(run.length);
    id("slider").addEventListener("input", () => place.go({ step: Number(id("slider").value), loop: 0 }));
    const buttons = {
      first: () => place.go({ step: 0, loop: 0 }),
      back: () => place.go({ step: place.step - 1, loop: 0 }),
      next: () => place.go({ step: place.step + 1, loop: 0 }),
      last: () => place.go({ step: run.length, loop: 0 }),
      play: () => this.play(),
      "loop-back": () => place.moveLoop(-1),
      "loop-next": () => place.moveLoop(1),
    };
    for (const [name, move] of Object.entries(buttons)) id(name).addEventListener("click", move);
    id("goto").addEventListener("change", () => /^[0-9]+$/.test(id("goto").value.trim()) && place.go({ step: Number(id("goto").value), loop: 0 }));
    this.form("line", (text) => program.runToLine(Number(text)) || `No later instruction comes from line ${text}.`);
    this.form("write", (text) => this.nextWrite(text));
    this.workers();
    window.addEventListener("resize", () => this.marks());
  }

  form(name, act) {
    id(`${name}-form`).addEventListener("submit", (event) => {
      event.preventDefault();
      const said = act(id(name).value);
      if (typeof said === "string") id("status").textContent = said;
    });
  }

  workers() {
    id("workers").hidden = this.run.cpus === 1;
    id("worker").append(...Array.from({ length: this.run.cpus }, (_, cpu) => make("option", { value: String(cpu) }, String(cpu))));
    id("worker").addEventListener("change", () => this.place.go({ cpu: Number(id("worker").value) }));
  }

  // Move to the next instruction that writes to a word; a text says why there is none.
  nextWrite(text) {
    const column = this.names.find(text);
    if (column < 0) return `No word is named ${text || "so"}: an address, a symbol or a register.`;
    this.watched = column;
    this.marks();
    const found = this.run.steps.findIndex((step, at) => at > this.place.step && step.writes.some(([each]) => each === column));
    if (found < 0) return `No later instruction writes to ${this.names.column(column)}.`;
    this.place.go({ step: found, loop: 0 });
    return true;
  }

  play() {
    if (this.timer !== null) return this.pause();
    if (this.place.step >= this.run.length) this.place.go({ step: 0, loop: 0 });
    this.timer = setInterval(() => {
      if (this.place.step >= this.run.length) this.pause();
      else this.place.go({ step: this.place.step + 1, loop: 0 });
    }, BEAT);
    id("play").textContent = "Pause";
    return undefined;
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    id("play").textContent = "Play";
  }

  show() {
    const { step, loop, cpu } = this.place;
    const [, loops] = this.run.loopsOf(step);
    id("slider").value = String(step);
    id("slider").setAttribute("aria-valuetext", `instruction ${step} of ${this.run.length}`);
    if (document.activeElement !== id("goto")) id("goto").value = String(step);
    id("loops").hidden = loops === 1;
    id("loop").textContent = `${loop + 1} of ${loops}`;
    id("worker").value = String(cpu);
    id("back").disabled = id("first").disabled = step === 0;
    id("next").disabled = id("last").disabled = step === this.run.length;
  }

  // Where the program writes output (above), and where it writes to the word that was looked for.
  marks() {
    const width = id("bar").clientWidth;
    const context = canvas(id("marks"), width, 12);
    const x = (step) => 8 + ((width - 16) * step) / Math.max(1, this.run.length);
    const [ink, mark] = ["soft", "change"].map(color);
    let [outputs, writes] = [0, 0];
    this.run.steps.forEach((step, at) => {
      if (step.output) {
        outputs++;
        context.fillStyle = ink;
        context.fillRect(x(at), 0, 1.5, 5);
      }
      if (this.watched !== null && step.writes.some(([column]) => column === this.watched)) {
        writes++;
        context.fillStyle = mark;
        context.fillRect(x(at), 6, 1.5, 6);
      }
    });
    const watched = this.watched === null ? "" : `, ${writes} write to ${this.names.column(this.watched)}`;
    id("marks").setAttribute("aria-label", `${outputs} instructions write output${watched}`);
    id("marks").title = id("marks").getAttribute("aria-label");
  }
}
