// What scenarios are called beside each other.
import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf } from "../page/names.js";

const first = { m: "llama-3.1-8b", w: "fp8", g: "h100", n: "2", mem: "", e: "vllm", ev: "", kv: "auto", i: "1024", o: "512", px: "", load: "c", c: "32", r: "", b: "", len: "" };
const tell = { model: (each) => each.m, gpu: (each) => each.g.toUpperCase() };

test("by what sets them apart", () => {
  assert.deepEqual(namesOf([first, { ...first, g: "h200" }], tell), ["H100 ×2", "H200 ×2"]);
  assert.deepEqual(namesOf([first, { ...first, w: "" }], tell), ["fp8", "as published"]);
  assert.deepEqual(namesOf([first, { ...first, load: "r", r: "5" }], tell), ["32 at once", "5 a second"]);
  assert.deepEqual(namesOf([first, { ...first, tp: "2" }], tell), ["layout left open", "TP 2"]);
});

test("by what the service lists, under its path", () => {
  const one = { ...first, "speculative.method": "", json: "" };
  assert.deepEqual(namesOf([one, { ...one, "speculative.method": "mtp" }], tell), ["no speculative method", "speculative method mtp"]);
});

test("alike ones are numbered", () => {
  assert.deepEqual(namesOf([first, { ...first }], tell), ["H100 ×2 (1)", "H100 ×2 (2)"]);
  assert.deepEqual(namesOf([first, { ...first, usd: "2" }], tell), ["H100 ×2 (1)", "H100 ×2 (2)"]);
});
