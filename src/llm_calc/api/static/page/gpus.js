// The same question on every GPU of the catalog.
import { html, signal } from "../vendor/page/libraries.js";
import { catalog, change, gpu, scenario } from "./state.js";
import { everyGpu } from "./api.js";
import { Bars } from "./bars.js";
import { Card, Choices, Data, Missing } from "./card.js";
import { costPerMillion } from "./figures.js";
import { count, integer, time, usd } from "./numbers.js";

const ORDERS = {
  output: { name: "tok/s", value: (row) => row.served.output_tokens_per_s, smaller: false },
  tpot: { name: "TPOT", value: (row) => row.served.tpot_s, smaller: true },
  cost: { name: "Cost", value: (row) => row.cost, smaller: true },
};
const MOST = 12;
const order = signal("output");
const all = signal(false);

export function EveryGpu() {
  const { data } = everyGpu.state.value, each = scenario.value, { value, smaller } = ORDERS[order.value];
  const devices = new Map(catalog.value.gpus.map((row) => [row.id, row]));
  const runs = (data ?? []).filter((row) => !row.error && row.holds && row.output_tokens_per_s > 0);
  const rows = runs.map((served) => { const id = served["hardware.gpu"]; return { id, served, cost: costPerMillion({ ...each, usd: id === gpu.value?.id ? each.usd : "" }, devices.get(id), served) }; })
    .filter((row) => value(row) != null).sort((one, other) => (smaller ? value(one) - value(other) : value(other) - value(one)));
  const chosenAt = rows.findIndex((row) => row.id === gpu.value?.id);
  const shown = all.value ? rows : rows.filter((_, at) => at < MOST || at === chosenAt);
  const bars = shown.map((row) => ({
    name: devices.get(row.id)?.name ?? row.id, value: value(row), chosen: row.id === gpu.value?.id, onChoose: () => change({ g: row.id }),
    text: `${count(row.served.output_tokens_per_s)} tok/s · ${time(row.served.tpot_s)}${row.cost === null ? "" : ` · ${usd(row.cost)}`}`,
  }));
  const refused = (data ?? []).length - runs.length;
  const side = html`<${Choices} label="Order" options=${Object.entries(ORDERS).map(([key, { name }]) => [key, name])} value=${order.value} onChoose=${(key) => { order.value = key; }} />`;
  return html`<${Card} id="gpus" title=${`${integer(Number(each.n))} of each GPU`} question=${everyGpu} side=${side} wide note="The same model, precision, engine and load: output, TPOT, and rent for a million output tokens where a price is known. Press a GPU to choose it.">
    ${rows.length ? html`<${Bars} label="GPUs" rows=${bars} />
      <p class="acts">${rows.length > MOST && html`<button type="button" onClick=${() => { all.value = !all.value; }}>${all.value ? "Show fewer" : `Show all ${rows.length}`}</button>`}<span class="note">${integer(refused)} kinds of GPU cannot run it or do not hold it in this number.</span></p>
      <${Data} name="llm-calc-gpus" picture=${false} columns=${[{ name: "GPU" }, { name: "Output", unit: "tokens/s", show: count }, { name: "TTFT", unit: "s", show: time }, { name: "TPOT", unit: "s", show: time }, { name: "Rent for 10^6 output tokens", unit: "USD", show: usd }]}
        rows=${rows.map((row) => [row.id, row.served.output_tokens_per_s, row.served.ttft_s, row.served.tpot_s, row.cost])} />` : html`<${Missing} question=${everyGpu} otherwise="no GPU of the catalog runs this in this number" />`}<//>`;
}
