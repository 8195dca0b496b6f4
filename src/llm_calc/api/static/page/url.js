// A link holds the whole state: what differs from the example in the query, pasted files in the fragment.
import { DEFAULTS, LETTERS, VERSION } from "./state.js";

const KEYS = Object.keys(DEFAULTS);

/** State to query and fragment. ``data``: the version of the data that the answers came from. */
export function toLink(scenarios, sources, data = "") {
  const query = new URLSearchParams();
  scenarios.forEach((each, at) => {
    const base = at ? scenarios[0] : DEFAULTS;
    const prefix = at ? `${LETTERS[at]}.` : "";
    for (const key of KEYS) if (each[key] !== base[key]) query.set(prefix + key, each[key]);
    if (at && ![...query.keys()].some((key) => key.startsWith(prefix))) query.set(`${prefix}m`, each.m);
  });
  if (data) query.set("data", data);
  const kept = sources.map((each) => each ?? null);
  const fragment = kept.some(Boolean) ? `#${encode(kept)}` : "";
  const text = query.toString();
  return (text ? `?v=${VERSION}&${text}` : fragment ? `?v=${VERSION}` : "") + fragment;
}

/** Query and fragment to state; keys that nobody knows are returned as they are. */
export function fromLink(search, hash) {
  const query = new URLSearchParams(search);
  const first = { ...DEFAULTS };
  const others = new Map();
  const unknown = [];
  let data = "";
  for (const [key, value] of query) {
    const [, letter, name] = /^(?:([b-d])\.)?(.+)$/s.exec(key) ?? [null, "", key];
    if (key === "v") {
      if (value !== String(VERSION)) unknown.push(`v=${value}`);
    } else if (key === "data") data = value;
    else if (!KEYS.includes(name)) unknown.push(`${key}=${value}`);
    else if (!letter) first[name] = value;
    else others.set(letter, { ...others.get(letter), [name]: value });
  }
  const further = LETTERS.slice(1).filter((letter) => others.has(letter));
  const scenarios = [first, ...further.map((letter) => ({ ...first, ...others.get(letter) }))];
  const { sources, broken } = decode(hash, scenarios.length);
  if (broken) unknown.push("the part after #");
  return { scenarios, sources, unknown, data };
}

function encode(content) {
  let text = "";
  for (const byte of new TextEncoder().encode(JSON.stringify(content))) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(hash, count) {
  const empty = Array.from({ length: count }, () => null);
  if (hash.length < 2) return { sources: empty, broken: false };
  try {
    const text = atob(hash.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
    const content = JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (each) => each.charCodeAt(0))));
    return { sources: empty.map((_, at) => content[at] ?? null), broken: false };
  } catch {
    return { sources: empty, broken: true };
  }
}
