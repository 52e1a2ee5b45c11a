// program: the source, the instructions that the run executes, and the output.

import { id, make, scrollIntoPanel } from "./dom.js";

export class Program {
  constructor(run, place, names) {
    this.run = run;
    this.place = place;
    this.names = names;
    this.file = null;
    this.lines = [];
    this.current = [];
    this.code = this.listing();
    if (!run.story.files.some(([, lines]) => lines.length)) document.body.classList.add("no-source");
  }

  // The first step, from one on, that executes a line of the file that is shown; -1 if none does.
  nextOnLine(line, from) {
    return this.run.steps.findIndex((step, at) => at >= from && step.code[2] === this.file && step.code[3] === line);
  }

  runToLine(line) {
    const found = this.nextOnLine(line, this.place.step + 1);
    if (found >= 0) this.place.go({ step: found, loop: 0 });
    return found >= 0;
  }

  show() {
    const step = this.run.at(this.place.step);
    this.current.forEach((element) => element.removeAttribute("aria-current"));
    this.current = [];
    if (step !== undefined) {
      this.showFile(step.code[2]);
      this.mark(this.lines[step.code[3] - 1], "#source .scroll");
      this.mark(this.code.get(step.code), "#code .scroll");
    } else if (this.file === null && this.run.length) this.showFile(this.run.steps[0].code[2]);
    this.output();
  }

  mark(element, panel) {
    if (element === undefined) return;
    element.setAttribute("aria-current", "true");
    this.current.push(element);
    scrollIntoPanel(document.querySelector(panel), element);
  }

  showFile(number) {
    if (number < 0 || number === this.file) return;
    this.file = number;
    const [name, lines] = this.run.story.files[number];
    const executed = new Set(this.run.story.code.filter(([, , file]) => file === number).map(([, , , line]) => line));
    this.lines = lines.map((text, at) => this.line(text, at + 1, executed.has(at + 1)));
    document.querySelector("#source h2").textContent = name;
    document.querySelector("#source .scroll").replaceChildren(...(lines.length ? this.lines : [make("p", { class: "none" }, "The source is not a text.")]));
  }

  line(text, number, executed) {
    const gutter = executed
      ? make("button", { class: "gutter", title: `Run to line ${number}`, tabindex: "-1", onclick: () => this.runToLine(number) }, String(number))
      : make("span", { class: "gutter" }, String(number));
    return make("div", { class: executed ? "line" : "line idle" }, gutter, make("code", {}, text || " "));
  }

  listing() {
    const codes = [...this.run.story.code].sort((a, b) => a[0] - b[0]);
    const rows = new Map(codes.map((code) => [code, this.instruction(code)]));
    document.querySelector("#code .scroll").replaceChildren(...rows.values());
    return rows;
  }

  instruction(code) {
    const [pc, text] = code;
    const label = this.names.labels.get(pc);
    const next = () => {
      const found = this.run.steps.findIndex((step, at) => at > this.place.step && step.code === code);
      if (found >= 0) this.place.go({ step: found, loop: 0 });
    };
    return make("div", { class: "line" },
      make("button", { class: "gutter", tabindex: "-1", title: `Run to ${this.names.pc(pc)}`, onclick: next }, this.names.pc(pc)),
      make("code", {}, text || "outside memory"), label ? make("span", { class: "label" }, label) : null);
  }

  output() {
    const pre = document.querySelector("#output pre");
    const step = this.run.at(this.place.step);
    const [before, now] = [this.run.output(this.place.step), step?.output ?? ""];
    pre.replaceChildren(visible(before), ...(now ? [make("mark", { title: "this instruction writes it" }, visible(now))] : []));
    pre.scrollTop = pre.scrollHeight;
  }
}

function visible(text) {
  return text.replace(/[\0-\x08\x0b-\x1f\x7f]/g, "·");
}
