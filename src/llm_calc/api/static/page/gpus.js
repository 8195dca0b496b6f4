// The same question on every GPU of the catalog.
import { html, signal } from "../vendor/page/libraries.js";
import { apply, catalog, deviceOf, look, scenario, view } from "./state.js";
import { everyGpu } from "./api.js";
import { Bars } from "./charts.js";
import { Card, Choices, Data, Missing } from "./card.js";
import { costPerMillion, gpusOf } from "./figures.js";
import { SESSIONS } from "./requests.js";
import { count, integer, time, usd } from "./numbers.js";

const ORDERS = {
  output: { name: "tok/s", value: (row) => row.served.output_tokens_per_s, smaller: false },
  tpot: { name: "TPOT", value: (row) => row.served.tpot_s, smaller: true },
  cost: { name: "Cost", value: (row) => row.cost, smaller: true },
};
const MOST = 12;
const all = signal(false), unmeasured = signal(false);

/** Rows of the sweep with rent and device, best first; without what the order is by, last. */
function ranked(each, data, chosen, { value, smaller }) {
  const devices = new Map(catalog.value.gpus.map((row) => [row.id, row]));
  const rows = data.filter((row) => !row.error && row.holds_a_request && row.output_tokens_per_s > 0).map((served) => {
    const device = devices.get(served[ID]);
    return { id: served[ID], name: device?.name ?? served[ID], served, cost: costPerMillion({ ...each, usd: served[ID] === chosen ? each.usd : "" }, device, served) };
  });
  const of = (row) => value(row) ?? (smaller ? Infinity : -Infinity);
  return rows.sort((one, other) => (smaller ? of(one) - of(other) : of(other) - of(one)));
}

const ID = "hardware.gpu";
const FIGURES = { output: (row) => `${count(row.served.output_tokens_per_s)} tok/s`, tpot: (row) => time(row.served.tpot_s), cost: (row) => (row.cost === null ? "no price" : usd(row.cost)) };

/** The figure of the order first, then the others. */
function Figures({ row, by }) {
  const others = Object.keys(FIGURES).filter((key) => key !== by).map((key) => FIGURES[key](row));
  return html`${FIGURES[by](row)} <small>${others.join(" · ")}${row.served.basis === "formula_only" ? " · formula only" : ""}</small>`;
}

export function EveryGpu() {
  const { data, asked } = everyGpu.state.value, [each] = asked ?? [scenario.value], chosen = deviceOf(each)?.id;
  const by = view.value.order in ORDERS ? view.value.order : "output", order = ORDERS[by];
  const rows = ranked(each, data ?? [], chosen, order), known = rows.filter((row) => row.served.basis !== "formula_only");
  const listed = unmeasured.value || !known.length ? rows : rows.filter((row) => known.includes(row) || row.id === chosen);
  const shown = all.value ? listed : listed.filter((row, at) => at < MOST || row.id === chosen);
  const bars = shown.map((row) => ({ name: row.name, value: order.value(row) ?? 0, chosen: row.id === chosen, onChoose: () => apply({ g: row.id }), text: html`<${Figures} row=${row} by=${by} />` }));
  const side = html`<${Choices} label="Order" options=${Object.entries(ORDERS).map(([key, { name }]) => [key, name])} value=${by} onChoose=${(key) => look({ order: key })} />`;
  return html`<${Card} id="gpus" title=${`${integer(gpusOf(each))} of each GPU`} question=${everyGpu} side=${side} wide note=${`The same model, precision, engine and load${each.load === SESSIONS ? ", of first turns alone" : ""}: output, TPOT, and rent for a million output tokens. Press a GPU to choose it.`}>
    ${rows.length ? html`<${Bars} label="GPUs" rows=${bars} />
      <p class="acts">${listed.length > MOST && html`<button type="button" onClick=${() => { all.value = !all.value; }}>${all.value ? "Show fewer" : `Show all ${listed.length}`}</button>`}
        ${known.length > 0 && known.length < rows.length && html`<label><input type="checkbox" checked=${unmeasured.value} onChange=${(event) => { unmeasured.value = event.target.checked; }} /> also the ${integer(rows.length - known.length)} of generations on which this engine was never measured</label>`}
        <span class="note">${integer(data.length - rows.length)} kinds of GPU do not hold it in this number, or cannot run it.</span></p>
      <${Data} name="llm-calc-gpus" picture=${false} columns=${[{ name: "GPU" }, { name: "Basis" }, { name: "Output", unit: "tokens/s", show: count }, { name: "TTFT", unit: "s", show: time }, { name: "TPOT", unit: "s", show: time }, { name: "Rent for 10^6 output tokens", unit: "USD", show: usd }]}
        rows=${rows.map((row) => [row.id, row.served.basis, row.served.output_tokens_per_s, row.served.ttft_s, row.served.tpot_s, row.cost])} />` : html`<${Missing} question=${everyGpu} otherwise="no GPU of the catalog holds this in this number" />`}<//>`;
}
