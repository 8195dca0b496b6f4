// How numbers are shown: at most three significant digits, ends of a range two, one unit for a value and its
// range. A missing number is "—", never 0.

export const GIB = 2 ** 30;
export const DASH = "—";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const known = (value) => typeof value === "number" && Number.isFinite(value);
const minus = (text) => text.replace("-", "−");

/** So many significant digits, in full. */
export function significant(value, digits = 3) {
  if (!known(value)) return DASH;
  return minus(new Intl.NumberFormat("en", { maximumSignificantDigits: digits }).format(value));
}

/** A count or a rate: 1,000–9,999 in full, then 12.4k, 1.3M. */
export function count(value, digits = 3) {
  if (!known(value)) return DASH;
  const size = Math.abs(value);
  if (size >= 1e12) return `${significant(value / 1e12, digits)}T`;
  if (size >= 1e9) return `${significant(value / 1e9, digits)}B`;
  if (size >= 1e6) return `${significant(value / 1e6, digits)}M`;
  if (size >= 1e4) return `${significant(value / 1e3, digits)}k`;
  return size >= 1000 ? minus(whole.format(value)) : significant(value, digits);
}

export function integer(value) {
  return known(value) ? minus(whole.format(value)) : DASH;
}

/** The unit in which a time is best read: factor and name. */
export function timeUnit(seconds) {
  if (!known(seconds) || seconds >= 0.1 || seconds === 0) return [1, "s"];
  return seconds >= 1e-4 ? [1e3, "ms"] : [1e6, "µs"];
}

export function time(seconds, digits = 3) {
  if (!known(seconds)) return DASH;
  const [factor, unit] = timeUnit(seconds);
  const shown = seconds * factor;
  return `${shown >= 10000 ? count(shown, digits) : significant(shown, digits)} ${unit}`;
}

/** Bytes in GiB, smaller ones in MiB or bytes. */
export function size(bytes, digits = 3) {
  if (!known(bytes)) return DASH;
  if (Math.abs(bytes) >= GIB / 20) return `${significant(bytes / GIB, digits)} GiB`;
  if (Math.abs(bytes) >= 2 ** 20) return `${significant(bytes / 2 ** 20, digits)} MiB`;
  return `${whole.format(bytes)} B`;
}

export function usd(value) {
  if (!known(value)) return DASH;
  const digits = value >= 1000 ? 0 : value >= 0.1 ? 2 : 3;
  const format = new Intl.NumberFormat("en", { maximumFractionDigits: digits, minimumFractionDigits: Math.min(2, digits) });
  return `$${format.format(value)}`;
}

export function percent(fraction) {
  return known(fraction) ? `${significant(100 * fraction, 2)} %` : DASH;
}

/** "likely 0.31–0.58": ends of a range with two digits, in the unit of the value. */
export function likelyTime(range, value) {
  if (!range) return "";
  const [factor] = timeUnit(value);
  return `likely ${significant(range.low * factor, 2)}–${significant(range.high * factor, 2)}`;
}

export function likelyCount(range) {
  return range ? `likely ${count(range.low, 2)}–${count(range.high, 2)}` : "";
}
