// How numbers are shown: at most three significant digits, ends of a range two, one unit for a value and its
// range. A missing number is "—", never 0.

const GIB = 2 ** 30;
export const DASH = "—";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const known = (value) => typeof value === "number" && Number.isFinite(value);
const minus = (text) => text.replace("-", "−");

/** So many significant digits, in full. */
export function significant(value, digits = 3) {
  if (!known(value)) return DASH;
  return minus(new Intl.NumberFormat("en", { maximumSignificantDigits: digits }).format(value));
}

/** The same with zeros at the end, so that figures of one kind look equally exact. */
function exact(value, digits) {
  const format = new Intl.NumberFormat("en", { minimumSignificantDigits: digits, maximumSignificantDigits: digits });
  return minus(format.format(value));
}

/** Between a number and its unit: they stay on one line. */
const NBSP = "\u00a0";

/** A count or a rate: 1,000–9,999 in full, then 12.4k, 1.3M. */
export function count(value, digits = 3) {
  if (!known(value)) return DASH;
  const inFull = Math.abs(value) < 9999.5;
  const size = inFull ? Math.abs(value) : Math.abs(Number(value.toPrecision(digits)));
  if (digits < 3 && size >= 1000 && size < 1e4) return significant(value, digits);
  if (size >= 1e12) return `${significant(value / 1e12, digits)}T`;
  if (size >= 1e9) return `${significant(value / 1e9, digits)}B`;
  if (size >= 1e6) return `${significant(value / 1e6, digits)}M`;
  if (size >= 1e4) return `${significant(value / 1e3, digits)}k`;
  return size >= 1000 ? minus(whole.format(value)) : significant(value, digits);
}

export function integer(value) {
  return known(value) ? minus(whole.format(value)) : DASH;
}

/** @returns {[number, string]} the unit in which a time is best read: factor and name */
export function timeUnit(seconds) {
  if (!known(seconds) || seconds >= 0.09995 || seconds === 0) return [1, "s"];
  return seconds >= 9.995e-5 ? [1e3, "ms"] : [1e6, "µs"];
}

/** ``unit``: of ``timeUnit``, where two times share one. */
export function time(seconds, digits = 3, [factor, unit] = timeUnit(seconds)) {
  if (!known(seconds)) return DASH;
  const shown = seconds * factor;
  return `${shown >= 10 ** digits ? count(shown, digits) : shown === 0 ? "0" : exact(shown, digits)}${NBSP}${unit}`;
}

/** Bytes in GiB, smaller ones in MiB or bytes. */
export function size(bytes, digits = 3) {
  if (!known(bytes)) return DASH;
  if (Math.abs(bytes) >= GIB / 20) return `${exact(bytes / GIB, digits)}${NBSP}GiB`;
  if (Math.abs(bytes) >= 2 ** 20) return `${exact(bytes / 2 ** 20, digits)}${NBSP}MiB`;
  return `${minus(whole.format(bytes))}${NBSP}B`;
}

export function usd(value) {
  if (!known(value)) return DASH;
  const size = Math.abs(value), sign = value < 0 ? "−" : "";
  if (size > 0 && size < 0.1) return `${sign}$${new Intl.NumberFormat("en", { maximumSignificantDigits: 2 }).format(size)}`;
  const digits = size >= 1000 ? 0 : 2;
  return `${sign}$${new Intl.NumberFormat("en", { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(size)}`;
}

export function percent(fraction) {
  return known(fraction) ? `${significant(100 * fraction, 2)}${NBSP}%` : DASH;
}

/** "likely 0.31–0.58": ends of a range with two digits, in the unit of the value. */
export function likelyTime(range, value) {
  if (!range) return "";
  const [factor] = timeUnit(value);
  return `likely ${significant(range.low * factor, 2)}–${significant(range.high * factor, 2)}`;
}

/** The same of a rate or a sum: both ends in one unit. */
export function likelyCount(range) {
  if (!range) return "";
  const inThousands = range.high >= 1e4 && range.high < 1e6;
  const show = (value) => (inThousands ? `${significant(value / 1e3, 2)}k` : count(value, 2));
  return `likely ${show(range.low)}–${show(range.high)}`;
}

const GRAMMAR = /^[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?(e[+-]?\d+)?$/i;

/** What people type as a number: 2048, 2,048, 0.5, 1e6. undefined where nothing, NaN where something else stands. */
export function parsed(text) {
  const typed = text.trim();
  if (typed === "") return undefined;
  return GRAMMAR.test(typed) && /\d/.test(typed) ? Number(typed.replaceAll(",", "")) : NaN;
}
