// Where one begins: a machine of one's own, rented ones, or a service for others; one press sets all of it.
import { html } from "../vendor/page/libraries.js";
import { apply, DEFAULTS, isExample, setSource } from "./state.js";

/** What most people with such a machine ask first. */
const STARTS = [
  { name: "My PC or Mac", set: { m: "gpt-oss-20b", g: "rtx-4090", n: "1", e: "llama.cpp", len: "8192", i: "1024", o: "512", load: "c", c: "1" } },
  { name: "Rented GPUs", set: { m: "llama-3.1-70b", w: "fp8", g: "h100-80gb-sxm", n: "2", e: "vllm", len: "16384", i: "1024", o: "512", load: "c", c: "32" } },
  { name: "An API service", set: { m: "gpt-oss-120b", g: "h100-80gb-sxm", n: "8", e: "vllm", len: "16384", i: "2048", o: "512", load: "r", r: "10", ttft: "2", tpot: "0.05" } },
];

/** All of a start at once: what it does not say is as in the example, and a file goes. */
function begin(start) {
  setSource(null);
  apply({ ...DEFAULTS, w: "", ...start.set });
}

export function Starts({ onBegin }) {
  const press = (start) => { onBegin(); begin(start); };
  return html`<p class="presets" role="group" aria-label="Begin with">${isExample.value && html`<span class="chip">Example</span>`}<span class="hint">Begin with</span>${STARTS.map((each) => html`<button type="button" onClick=${() => press(each)}>${each.name}</button>`)}</p>`;
}
