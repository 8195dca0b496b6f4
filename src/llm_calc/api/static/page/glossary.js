// The words of the page, for who meets them for the first time: one press away.
import { html, signal } from "../vendor/page/libraries.js";
import { Dialog } from "./card.js";

export const glossary = signal(false);
const WORDS = [
  ["Token", "a piece of text that a model reads or writes at once: about three quarters of an English word"],
  ["TTFT: time to first token", "how long one waits, from sending a request, until the answer begins"],
  ["TPOT: time per output token", "how long each further token of the answer takes; 50 ms are 20 tokens a second, faster than one reads"],
  ["Output", "tokens that all answers together gain in a second"],
  ["KV cache", "what the model keeps in the GPU's memory of each request's text; it grows with every token"],
  ["Context", "prompt and answer of a request together, in tokens"],
  ["Concurrent requests", "requests that are being answered at the same moment"],
  ["Weights, quantization", "the model's numbers, and storing them in fewer bits: smaller and mostly faster, a little less exact"],
  ["Prefill, decode", "reading the prompt, all of it at once; writing the answer, token by token"],
  ["Likely", "the range in which 8 of 10 measured cases lay that the fit had not seen"],
  ["p95, slowest 5 %", "95 of 100 requests are faster than this"],
  ["Tensor, pipeline, data, expert parallel", "ways to share a model between GPUs: each layer cut up, layers dealt out, whole copies, experts dealt out"],
  ["Engine", "the program that runs the model: vLLM, SGLang and TensorRT-LLM on servers, llama.cpp (also within Ollama and LM Studio) on PCs and Macs"],
];

export const WordsButton = () => html`<button type="button" class="small" aria-haspopup="dialog" onClick=${() => { glossary.value = true; }}>What do these words mean?</button>`;

export function Glossary() {
  return html`<${Dialog} open=${glossary} titled="words-title" title="Words"><dl>${WORDS.map(([word, means]) => html`<dt><b>${word}</b></dt><dd class="note">${means}</dd>`)}</dl><//>`;
}
