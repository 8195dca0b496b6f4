// What follows from an answer: the verdict's word, cost, likely ranges, what most of a step waits for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { boundOf, byBound, costPerMillion, overloaded, rentPerHour, runs, spread, verdict } from "../page/figures.js";

const GIB = 2 ** 30;
const fitting = { fits: true, starts: true, headroom_bytes: 10 * GIB, per_gpu: { memory_bytes: 80 * GIB } };
const holdsOne = { ...fitting, fits: false, sequences_that_fit: 1, asked_context_tokens: 8192, max_model_len_tokens: 8192 };

test("a plan is told by its word", () => {
  assert.equal(verdict(undefined)[2], "Unknown");
  assert.equal(verdict(fitting)[2], "Fits");
  assert.equal(verdict({ ...fitting, headroom_bytes: 3.9 * GIB })[2], "Tight");
  assert.equal(verdict(holdsOne)[2], "Does not hold all at once");
  assert.equal(verdict({ ...holdsOne, starts: false })[2], "Does not fit");
});

test("there is a speed only where a request of the asked length is held", () => {
  assert.equal(runs(null), false);
  assert.equal(runs(holdsOne), true);
  assert.equal(runs({ ...holdsOne, sequences_that_fit: 0 }), false);
  assert.equal(runs({ ...holdsOne, asked_context_tokens: 8193 }), false);
});

test("rent is the typed price, else the catalog's, times the GPUs", () => {
  const device = { typical_usd_per_hour: 2 };
  assert.equal(rentPerHour({ usd: "", n: "4" }, device), 8);
  assert.equal(rentPerHour({ usd: "3", n: "" }, device), 3);
  assert.equal(rentPerHour({ usd: "", n: "1" }, {}), null);
  assert.equal(rentPerHour({ usd: "x", n: "1" }, device), null);
});

test("3.60 dollars an hour over 1000 tokens a second is one dollar a million", () => {
  assert.equal(costPerMillion({ usd: "3.6", n: "1" }, {}, { output_tokens_per_s: 1000 }).toFixed(9), "1.000000000");
  assert.equal(costPerMillion({ usd: "3.6", n: "1" }, {}, null), null);
});

test("ends of a range stand over their value", () => {
  const served = { ttft_s: 2, interval: { ttft_s: { low: 1, high: 3 } } };
  assert.deepEqual(spread(served, "ttft_s"), [0.5, 1.5]);
  assert.equal(spread(served, "tpot_s"), null);
});

test("times add up by what bounds them, the longest first", () => {
  const operators = [
    { phase: "decode", seconds: 1, bound: "compute" },
    { phase: "decode", seconds: 2, bound: "memory" },
    { phase: "decode", seconds: 1, bound: "memory" },
    { phase: "prefill", seconds: 9, bound: "compute" },
    { phase: "decode", seconds: 0, bound: "launch" },
  ];
  assert.deepEqual(byBound({ operators }, "decode"), [["memory", 3], ["compute", 1]]);
  assert.equal(boundOf({ operators })[0], "Memory");
  assert.deepEqual(boundOf({ operators: [] }), ["—", ""]);
});

test("a queue grows where fewer are served than arrive", () => {
  assert.equal(overloaded({ load: "r", r: "10" }, { requests_per_s: 9.7 }), true);
  assert.equal(overloaded({ load: "r", r: "10" }, { requests_per_s: 9.9 }), false);
  assert.equal(overloaded({ load: "c", r: "10" }, { requests_per_s: 1 }), false);
});
