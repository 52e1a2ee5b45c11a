// place: where in the run a person looks, and the link that leads there.

export class Place {
  constructor(run) {
    this.run = run;
    this.step = 0;
    this.loop = 0;
    this.phase = -1;
    this.cpu = 0;
    this.watchers = [];
  }

  watch(seen) {
    this.watchers.push(seen);
  }

  // Move to a place as near as possible to this one, and tell all watchers.
  go({ step = this.step, loop, phase = this.phase, cpu = this.cpu }) {
    const last = this.run.story.phases.length - 2;
    const at = clamp(step, 0, this.run.length);
    this.loop = clamp(loop ?? (at === this.step ? this.loop : 0), 0, this.run.loopsOf(at)[1] - 1);
    this.step = at;
    this.phase = this.run.at(at) === undefined ? -1 : clamp(phase, -1, last);
    this.cpu = clamp(cpu, 0, this.run.cpus - 1);
    history.replaceState(null, "", this.link());
    for (const seen of this.watchers) seen();
  }

  // Forward or back by phases, across loops and instructions.
  movePhase(by) {
    const count = this.run.story.phases.length;
    const next = this.phase + 1 + by;
    if (next >= 0 && next < count && this.run.at(this.step) !== undefined) return this.go({ phase: next - 1 });
    return by > 0 ? this.moveLoop(1, -1) : this.moveLoop(-1, count - 2);
  }

  moveLoop(by, phase = this.phase) {
    const next = this.loop + by;
    if (next >= 0 && next < this.run.loopsOf(this.step)[1]) return this.go({ loop: next, phase });
    const step = this.step + by;
    if (step < 0 || step > this.run.length) return undefined;
    return this.go({ step, loop: by > 0 ? 0 : this.run.loopsOf(step)[1] - 1, phase });
  }

  link() {
    const parts = [`step=${this.step}`];
    if (this.run.loopsOf(this.step)[1] > 1) parts.push(`loop=${this.loop + 1}`);
    if (this.phase >= 0) parts.push(`block=${blockOf(this.phase)}`);
    if (this.phase & 1 && this.phase > 0) parts.push("part=mlp");
    if (this.cpu) parts.push(`worker=${this.cpu}`);
    return `#${parts.join("&")}`;
  }

  follow(link) {
    const asked = new URLSearchParams(link.replace(/^#/, ""));
    const number = (name, otherwise) => (/^[0-9]+$/.test(asked.get(name) ?? "") ? Number(asked.get(name)) : otherwise);
    const block = number("block", 0);
    const phase = block < 1 ? -1 : attentionOf(block) + (asked.get("part") === "mlp" ? 1 : 0);
    this.go({ step: number("step", 0), loop: number("loop", 1) - 1, phase, cpu: number("worker", 0) });
  }
}

export function clamp(value, low, high) {
  return Math.max(low, Math.min(high, Math.floor(value)));
}

// Blocks count from 1, phases from 0: attention of block 1, its MLP, attention of block 2.
export function blockOf(phase) {
  return (Math.max(0, phase) >> 1) + 1;
}

export function attentionOf(block) {
  return 2 * (block - 1);
}

export function phaseName(phase) {
  if (phase < 0) return "start";
  return `block ${blockOf(phase)} ${phase & 1 ? "MLP" : "attention"}`;
}
