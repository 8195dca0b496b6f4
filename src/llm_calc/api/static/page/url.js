// A link holds the whole state: what differs from the example in the query, pasted files in the fragment.
import { DEFAULTS, LETTERS, LINKS, VERSION } from "./state.js";

const KEYS = Object.keys(DEFAULTS);
/** Keys whose values are a few: others are told and left out. */
const CHOICES = { load: LINKS.load_fields, e: LINKS.engine_flags };
const VIEW = Object.keys(LINKS.view);
const MOST_IN_A_LINK = 200_000;

/** Whether a key is one of this version, whose values the state holds. */
const ours = (name) => KEYS.includes(name) || VIEW.includes(name);

/** Whether a pasted file is short enough for a link; of longer ones it keeps the name. */
export const travels = (source) => !source?.content || lengthOf(source) <= MOST_IN_A_LINK;
const lengthOf = (source) => [source.content, ...Object.values(source.files ?? {})].reduce((sum, text) => sum + text.length, 0);

/** State to query and fragment. ``view``: how it is looked at; ``data``: the version of the data that answered;
 * ``unknown``: keys of another version, which are kept, and values that a later one of their key took the place of. */
export function toLink(scenarios, sources, view = LINKS.view, data = "", unknown = []) {
  const query = new URLSearchParams();
  scenarios.forEach((each, at) => {
    const base = at ? scenarios[0] : DEFAULTS;
    const prefix = at ? `${LETTERS[at]}.` : "";
    for (const key of KEYS) if (each[key] !== base[key]) query.set(prefix + key, each[key]);
    if (at && ![...query.keys()].some((key) => key.startsWith(prefix))) query.set(`${prefix}m`, each.m);
  });
  for (const key of VIEW) if (view[key] !== LINKS.view[key]) query.set(key, view[key]);
  for (const [key, value] of unknown) if (key !== "v" && !ours(key.replace(/^[b-d]\./, ""))) query.set(key, value);
  if (data) query.set("data", data);
  const kept = sources.map((each) => (travels(each) ? each ?? null : { ...each, content: "", files: undefined }));
  const fragment = kept.some(Boolean) ? `#${encode(kept)}` : "";
  const text = query.toString();
  return (text ? `?v=${VERSION}&${text}` : fragment ? `?v=${VERSION}` : "") + fragment;
}

/** Query and fragment to state; keys that nobody knows are returned as they are. */
export function fromLink(search, hash) {
  const query = new URLSearchParams(search);
  const first = { ...DEFAULTS };
  const others = new Map();
  const unknown = [], view = { ...LINKS.view }, said = new Map();
  let data = "";
  for (const [key, value] of query) {
    const [, letter, name] = /^(?:([b-d])\.)?(.+)$/s.exec(key) ?? [null, "", key];
    if (said.has(key) && said.get(key) !== value && ours(name)) unknown.push([key, said.get(key)]);
    said.set(key, value);
    if (key === "v") {
      if (value !== String(VERSION)) unknown.push([key, value]);
    } else if (key === "data") data = value;
    else if (VIEW.includes(key)) view[key] = value;
    else if (!KEYS.includes(name) || (name in CHOICES && !Object.hasOwn(CHOICES[name], value))) unknown.push([key, value]);
    else if (!letter) first[name] = value;
    else others.set(letter, { ...others.get(letter), [name]: value });
  }
  const further = LETTERS.slice(1).filter((letter) => others.has(letter));
  const scenarios = [first, ...further.map((letter) => ({ ...first, ...others.get(letter) }))];
  const { sources, broken } = decode(hash, scenarios.length);
  return { scenarios, sources, view, unknown, broken, data };
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
    const texts = (files) => files === undefined || (typeof files === "object" && Object.values(files ?? { none: 0 }).every((text) => typeof text === "string"));
    const known = (each) => each === null || (typeof each?.content === "string" && typeof each.name === "string" && texts(each.files) && ["config", "gguf"].includes(each.kind));
    if (!Array.isArray(content) || !content.every(known)) return { sources: empty, broken: true };
    return { sources: empty.map((_, at) => content[at] ?? null), broken: false };
  } catch {
    return { sources: empty, broken: true };
  }
}
