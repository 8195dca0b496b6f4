// Numbers as they are shown: digits, units, ends of ranges, and what is missing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { count, integer, likelyTime, percent, significant, size, time, usd } from "../page/numbers.js";

const text = (value) => value.replaceAll("\u00a0", " ");
const cases = [
  [time, [0.31449], "0.314 s"],
  [time, [0.09995], "0.100 s"],
  [time, [0.09994], "99.9 ms"],
  [time, [0.00987], "9.87 ms"],
  [time, [9.994e-5], "99.9 µs"],
  [time, [0], "0 s"],
  [size, [0], "0 B"],
  [size, [1048576], "1.00 MiB"],
  [size, [80 * 2 ** 30], "80.0 GiB"],
  [size, [-(2 ** 30)], "−1.00 GiB"],
  [count, [9999.4], "9,999"],
  [count, [9999.6], "10k"],
  [count, [12_449], "12.4k"],
  [count, [1.3e12], "1.3T"],
  [integer, [131072], "131,072"],
  [usd, [0.0123], "$0.012"],
  [usd, [2.5], "$2.50"],
  [usd, [1234.6], "$1,235"],
  [percent, [0.123], "12 %"],
  [likelyTime, [{ low: 0.0085, high: 0.0121 }, 0.00987], "likely 8.5–12"],
  [likelyTime, [null, 1], ""],
];

for (const [show, given, shown] of cases) {
  test(`${show.name}(${JSON.stringify(given)}) is ${shown}`, () => assert.equal(text(show(...given)), shown));
}

test("what is missing is a dash, never a zero", () => {
  for (const show of [significant, count, integer, time, size, usd, percent]) {
    for (const nothing of [undefined, null, Number.NaN, Infinity]) assert.equal(show(nothing), "—");
  }
});

test("two times share the unit of one", () => assert.equal(text(time(0.2, 3, [1e3, "ms"])), "200 ms"));
