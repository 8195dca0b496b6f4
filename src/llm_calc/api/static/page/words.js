// The service's sentences and names of fields, in the words of the page.
import { LINKS } from "./state.js";

/** What a published run differs in: "input_tokens 8x" as "input (8×)". */
export function differing(text) {
  const [name, ...rest] = text.split(" ");
  const much = rest.join(" ").replace(/x$/, "×");
  return `${LINKS.lists.differences[name] ?? name}${much ? ` (${much})` : ""}`;
}

/** A sentence of the service; a field at its start goes by its name here, a format keeps its case. */
export function sentence(text) {
  // Names of the API are for its readers.
  text = text.replace(/ \([a-z]+(_[a-z]+)+\)/g, "").replace(/\b(ttft|tpot)_s\b/g, (name) => name.slice(0, 4).toUpperCase());
  const found = /^(?:base\.)?([a-z_.0-9]+): /.exec(text);
  const named = found && LINKS.lists.fields[found[1]] ? `${LINKS.lists.fields[found[1]]}: ${text.slice(found[0].length)}` : text;
  const start = /^[a-z]+[ :]/.test(named) && !/^(fp|bf|int)\d/.test(named) ? named[0].toUpperCase() : named[0];
  return `${start}${named.slice(1)}${/[.!?]$/.test(named) ? "" : "."}`;
}
