// What scenarios are called beside each other: by what sets them apart, never by a letter.

/** From what is told first to what is told last; a part is told where it is not the same in all. */
const PARTS = [
  ["m", "dh", "df", "dl", "dv", "dq", "dk"], ["w"], ["g", "n", "mem"], ["tp", "pp", "dp", "ep"], ["e", "ev"], ["kv"], ["i", "o", "px"], ["load", "c", "r", "b", "s", "st", "sg", "sk", "sp"], ["len"],
];
const LAYOUT = { tp: "TP", pp: "PP", dp: "DP", ep: "EP" };
export const LOADS = { c: "Concurrent", s: "Sessions", r: "Poisson arrivals", b: "One batch", off: "Offline queue" };
const AMOUNTS = { c: "at once", s: "sessions", r: "a second", b: "in a batch" };
/** A load in words. ``show``: how its number is written. */
export const loadOf = (each, show = (text) => text) => (AMOUNTS[each.load] ? `${show(each[each.load])} ${AMOUNTS[each.load]}` : LOADS[each.load] ?? each.load);
const TELLS = {
  m: (each, tell) => tell.model(each), w: (each) => each.w || "as published",
  g: (each, tell) => `${tell.gpu(each)} ×${each.n}${each.mem ? ` (${each.mem} GiB)` : ""}`,
  tp: (each) => Object.entries(LAYOUT).filter(([key]) => each[key]).map(([key, name]) => `${name} ${each[key]}`).join(" ") || "layout left open",
  e: (each) => `${each.e}${each.ev ? ` ${each.ev}` : ""}`, kv: (each) => `cache ${each.kv}`,
  i: (each) => `${each.i} in, ${each.o} out${each.px ? `, ${each.px} cached` : ""}`, load: (each) => loadOf(each), len: (each) => `context ${each.len || "open"}`,
};

const byPath = (each, key) => `${each[key] ? "" : "no "}${key.replace(/[._]/g, " ")} ${each[key] ?? ""}`.trim();

/** One name a scenario. ``tell``: how a model and a GPU are called; names that are still alike are numbered. */
export function namesOf(scenarios, tell) {
  // Fields that the service lists go by their path.
  const further = Object.keys(scenarios[0]).filter((key) => key.includes(".") || key === "json").map((key) => [key]);
  const apart = [...PARTS, ...further].filter((keys) => scenarios.some((each) => keys.some((key) => each[key] !== scenarios[0][key])));
  const told = apart.length ? apart : [["g"]];
  const names = scenarios.map((each) => told.slice(0, 3).map(([key]) => TELLS[key]?.(each, tell) ?? byPath(each, key)).join(", "));
  return names.map((name, at) => (names.indexOf(name) === names.lastIndexOf(name) ? name : `${name} (${names.slice(0, at + 1).filter((one) => one === name).length})`));
}
