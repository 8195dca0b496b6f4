// A link holds the whole state: what differs from the example in the query, pasted files in the fragment.
import { DEFAULTS, LETTERS, VERSION } from "./state.js";

const KEYS = Object.keys(DEFAULTS);

/** State to query and fragment. */
export function toLink(scenarios, sources) {
  const query = new URLSearchParams();
  scenarios.forEach((each, at) => {
    const base = at ? scenarios[0] : DEFAULTS;
    const prefix = at ? `${LETTERS[at]}.` : "";
    for (const key of KEYS) if (each[key] !== base[key]) query.set(prefix + key, each[key]);
    if (at && ![...query.keys()].some((key) => key.startsWith(prefix))) query.set(`${prefix}m`, each.m);
  });
  const text = query.toString();
  const kept = sources.map((each) => each ?? null);
  const fragment = kept.some(Boolean) ? `#${encode(kept)}` : "";
  return (text ? `?v=${VERSION}&${text}` : fragment ? `?v=${VERSION}` : "") + fragment;
}

/** Query and fragment to state; keys that nobody knows are returned as they are. */
export function fromLink(search, hash) {
  const query = new URLSearchParams(search);
  const first = { ...DEFAULTS };
  const others = new Map();
  const unknown = [];
  for (const [key, value] of query) {
    const [, letter, name] = /^(?:([b-d])\.)?(.+)$/.exec(key);
    if (key === "v") continue;
    if (!KEYS.includes(name)) unknown.push(`${key}=${value}`);
    else if (!letter) first[name] = value;
    else others.set(letter, { ...others.get(letter), [name]: value });
  }
  const scenarios = [first, ...LETTERS.slice(1).filter((letter) => others.has(letter)).map((letter) => ({ ...first, ...others.get(letter) }))];
  return { scenarios, sources: decode(hash, scenarios.length), unknown };
}

function encode(content) {
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(hash, count) {
  const empty = Array.from({ length: count }, () => null);
  if (hash.length < 2) return empty;
  try {
    const text = atob(hash.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
    const content = JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (each) => each.charCodeAt(0))));
    return empty.map((_, at) => content[at] ?? null);
  } catch {
    return empty;
  }
}
