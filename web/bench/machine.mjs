// Tells whether the machine was busy with something else: a loop of known length is timed now and then.

import { availableParallelism, cpus, loadavg } from "node:os";

export class Machine {
  #times = [];
  #loadBefore = loadavg()[0];

  constructor() {
    for (let i = 0; i < 5; i++) this.check();
  }

  check() {
    const start = performance.now();
    let x = 1;
    for (let i = 0; i < 2e7; i++) x = (x * 48271) % 2147483647;
    this.#times.push(performance.now() - start + (x === 0 ? 1 : 0));
  }

  report() {
    const slowest = Math.max(...this.#times) / Math.min(...this.#times);
    const load = this.#loadBefore;
    const cores = availableParallelism();
    return { cpu: cpus()[0]?.model, cores, loadBefore: load, slowest, busy: slowest > 1.3 || load > cores / 2 };
  }
}
