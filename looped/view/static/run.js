// run: the data of the page. Loops are decoded when somebody looks at them.

async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const KEYFRAME = 256; // steps between two copies of memory

export class Run {
  static async open(story, chunks) {
    const text = new TextDecoder().decode(await inflated(story));
    return new Run(JSON.parse(text), chunks);
  }

  constructor(story, chunks) {
    this.story = story;
    this.chunks = chunks;
    this.decoded = new Map();
    const step = ([code, loop, reads, writes, output, consumed, cause]) => ({
      code: story.code[code], loop, reads, writes, output, consumed, cause,
    });
    this.steps = story.steps.map(step);
    this.unfinished = story.unfinished === null ? undefined : step(story.unfinished);
    this.length = this.steps.length;
    this.cpus = story.cpus[1] - story.cpus[0];
    this.sizes = this.measure();
    this.keyframes = [Float64Array.from(story.words)];
  }

  // How many bytes of a loop are lanes, heads and units.
  measure() {
    const { story, cpus } = this;
    const row = Math.ceil(story.lanes / 8);
    const heads = story.blocks.map((block) => block.heads.length * cpus * 6);
    const units = story.units.map((count) => cpus * Math.ceil(count / 8));
    const all = row * cpus * story.phases.length + [...heads, ...units].reduce((a, b) => a + b, 0);
    return { row, heads, units, all };
  }

  // The instruction of a step: after the last one the one in which the page ends, if it does.
  at(step) {
    return step === this.length ? this.unfinished : this.steps[step];
  }

  // The first loop of a step, and how many there are.
  loopsOf(step) {
    const now = this.at(step);
    if (now === undefined) return [this.story.loops, 1];
    const end = this.at(step + 1)?.loop ?? this.story.loops;
    return [now.loop, Math.max(1, end - now.loop)];
  }

  // Memory and registers before a step.
  wordsBefore(step) {
    const last = Math.min(Math.floor(step / KEYFRAME), this.keyframes.length - 1);
    const words = this.keyframes[last].slice();
    for (let at = last * KEYFRAME; at < step; at++) {
      for (const [column, value] of this.steps[at].writes) words[column] = value;
      if ((at + 1) % KEYFRAME === 0) this.keyframes[(at + 1) / KEYFRAME] ??= words.slice();
    }
    return words;
  }

  output(step) {
    return this.steps.slice(0, step).map((each) => each.output).join("");
  }

  // A loop from the inside; null where the run is over.
  async loop(number) {
    if (number >= this.story.loops) return null;
    const index = Math.floor(number / this.story.chunk);
    if (!this.decoded.has(index)) this.decoded.set(index, this.chunk(index));
    const { rows, arcs } = await this.decoded.get(index);
    const place = number % this.story.chunk;
    return this.inside(rows.subarray(place * this.sizes.all, (place + 1) * this.sizes.all), arcs[place]);
  }

  async chunk(index) {
    const bytes = await inflated(this.chunks[index]);
    const { all } = this.sizes;
    const count = Math.min(this.story.chunk, this.story.loops - index * this.story.chunk);
    for (let at = all; at < count * all; at++) bytes[at] ^= bytes[at - all];
    const arcs = JSON.parse(new TextDecoder().decode(bytes.subarray(count * all)));
    return { rows: bytes.subarray(0, count * all), arcs };
  }

  inside(bytes, arcs) {
    const { story, cpus, sizes } = this;
    let at = sizes.row * cpus * story.phases.length;
    const heads = story.blocks.map((block, number) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, sizes.heads[number]);
      at += sizes.heads[number];
      return block.heads.map((_, head) => Array.from({ length: cpus }, (_, cpu) => {
        const place = (head * cpus + cpu) * 6;
        return {
          target: view.getUint16(place, true),
          score: view.getInt16(place + 2, true),
          margin: view.getInt16(place + 4, true),
        };
      }));
    });
    const units = sizes.units.map((size) => bytes.subarray(at, (at += size)));
    return {
      heads,
      arcs: arcs.map(([block, head, column, target, score, margin]) => ({ block, head, column, target, score, margin })),
      lane: (phase, cpu, lane) => bit(bytes, ((phase + 1) * cpus + cpu) * sizes.row, lane),
      fires: (block, cpu, unit) => bit(units[block], cpu * Math.ceil(story.units[block] / 8), unit),
    };
  }

  // The lanes at the end of the run, as those of a loop.
  end() {
    const on = this.story.final.map((lanes) => new Set(lanes));
    return { heads: null, arcs: [], lane: (phase, cpu, lane) => on[cpu].has(lane), fires: () => false };
  }
}

function bit(bytes, start, index) {
  return (bytes[start + (index >> 3)] >> (index & 7) & 1) === 1;
}
