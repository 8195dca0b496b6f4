// Deployments found for the workload and the targets: ranked, with cost and the command that starts each.
import { html, signal } from "../vendor/page/libraries.js";
import { plans } from "./api.js";
import { Card, Choices, Data, Missing, sentence, Told } from "./card.js";
import { copy } from "./files.js";
import { CHIPS } from "./figures.js";
import { apply, catalog, LISTS, look, named, scenario, source, view } from "./state.js";
import { count, integer, parsed, significant, time, timeUnit, usd } from "./numbers.js";
import { leftOut } from "./requests.js";
import { XYChart } from "./charts.js";

const copied = signal("");

/** A plan as a scenario: replicas that share nothing are data parallel; of others one is taken, with its share of the load. */
function use(plan) {
  const sizes = plan.parallelism, load = plan.workload, together = sizes.expert === 1 || plan.replicas === 1;
  const times = together ? plan.replicas : 1;
  apply({
    g: plan.hardware.gpu, n: String(plan.hardware.count * times), w: plan.precision.weights ?? "", kv: plan.precision.kv_cache,
    tp: String(sizes.tensor), pp: String(sizes.pipeline), dp: String(sizes.data * times), ep: String(sizes.expert), e: plan.engine.name,
    ...(!together && load.concurrency ? { load: "c", c: String(load.concurrency) } : {}),
    ...(!together && load.request_rate ? { load: "r", r: String(load.request_rate) } : {}),
  });
}

const deviceName = (id) => named(catalog.value.gpus, id, "id")?.name ?? id;
const hardwareOf = (plan) => `${plan.replicas > 1 ? `${plan.replicas} replicas of ` : ""}${plan.hardware.count} × ${deviceName(plan.hardware.gpu)}`;

function layoutOf(plan) {
  const sizes = [["TP", plan.parallelism.tensor], ["PP", plan.parallelism.pipeline], ["DP", plan.parallelism.data], ["EP", plan.parallelism.expert]];
  return [LISTS.engines.find(([key]) => key === plan.engine.name)?.[1], plan.precision.weights, ...sizes.filter(([, value]) => value > 1).map(([name, value]) => `${name} ${value}`)].filter(Boolean).join(" · ");
}

/** Both ends of a likely range in the unit of the figure. */
function likely(plan, key) {
  const range = plan.interval[key], unit = timeUnit(plan[key]);
  return range?.low != null && html`<small>${time(range.low, 2, unit)}–${time(range.high, 2, unit)}</small>`;
}

function Row({ plan }) {
  const take = async () => { if (await copy(plan.launch_command)) copied.value = plan.launch_command; };
  return html`<tr><td>${plan.rank}</td><th scope="row">${hardwareOf(plan)}<small>${layoutOf(plan)}</small></th>
    <td data-name="TTFT">${time(plan.ttft_s)}${likely(plan, "ttft_s")}</td><td data-name="TPOT">${time(plan.tpot_s)}${likely(plan, "tpot_s")}</td><td data-name="Output tok/s">${count(plan.output_tokens_per_s)}</td><td data-name="$ per hour">${usd(plan.usd_per_hour)}<small class="long">${plan.day ? `${usd(plan.day.usd_per_day)} a day, ${plan.day.gpus_at_peak} GPUs at most` : ""} ${(plan.price?.kind ?? "").replace("on_demand", "")}</small></td><td data-name="$ per M output tokens"><b>${usd(plan.usd_per_million_output_tokens_all_in)}</b></td><td><span class=${`chip ${plan.basis}`}>${CHIPS[plan.basis]}</span></td>
    <td class="acts"><button type="button" onClick=${() => use(plan)}>${plan.replicas > 1 && plan.parallelism.expert > 1 ? "Use one" : "Use"}</button><button type="button" onClick=${take}>${copied.value === plan.launch_command ? "Copied" : "Copy command"}</button></td></tr>
    <tr class="command"><td></td><td colspan="8"><details><summary>Command</summary><pre tabindex="0">${plan.launch_command}</pre>${plan.manifests && html`<pre tabindex="0">${JSON.stringify(plan.manifests, null, 2)}</pre>`}</details></td></tr>`;
}

function Front({ title, points, x, y, tell }) {
  const shown = (points ?? []).filter((each) => each.x > 0 && each.y > 0).sort((one, other) => one.x - other.x);
  if (shown.length < 2) return null;
  const marks = shown.map((each) => ({ x: each.x, y: each.y, text: `${hardwareOf(each.plan)}, ${layoutOf(each.plan)}: ${tell(each)}`, value: each.plan }));
  return html`<div><h3>${title}</h3><${XYChart} label=${title} series=${[{ tone: "s1", straight: true, points: marks }]} x=${x} y=${y} height=${230} onPick=${use} note="Every point is a plan that no other beats in both; press one to use it." /></div>`;
}

const HEAD = ["Rank", "Deployment", "TTFT", "TPOT", "Output tok/s", "$ per hour", "$ per M output tokens", "Basis", "Actions"];
const COLUMNS = [
  { name: "Rank" }, { name: "GPU" }, { name: "GPUs", show: integer }, { name: "Layout" }, { name: "TTFT", unit: "s", show: time }, { name: "TPOT", unit: "s", show: time },
  { name: "Output", unit: "tokens/s", show: count }, { name: "Rent", unit: "USD/h", show: usd }, { name: "Rent for 10^6 output tokens", unit: "USD", show: usd }, { name: "Command" },
];

export function Plans() {
  const { data } = plans.state.value, each = scenario.value, without = leftOut(each, "plans");
  const limits = [each.ttft && `TTFT within ${each.ttft} s`, each.tpot && `TPOT within ${time(parsed(each.tpot))}`, each.bud && `$${each.bud} an hour`, each.max && `${each.max} GPUs`].filter(Boolean);
  const note = `${view.value.on === "this" ? "Every" : "Every GPU,"} count, layout, format and engine that serves this workload${limits.length ? ` under ${limits.join(", ")}` : " (no targets set: see Targets and cost)"}; the best plan of each GPU and format.${without.length ? ` Plans are made without: ${without.join(", ")}.` : ""}`;
  const choose = (fields) => { look(fields); plans.ask(scenario.peek(), source.peek()); };
  const side = html`<span class="acts"><label>Best in <select value=${view.value.by} onChange=${(event) => choose({ by: event.target.value })}>${LISTS.objectives.map(([key, name]) => html`<option value=${key}>${name}</option>`)}</select></label>
    <${Choices} label="Plans on" options=${[["all", "Every GPU"], ["this", "Only the chosen"]]} value=${view.value.on} onChoose=${(where) => choose({ on: where })} />
    <${Choices} label="Plans with" options=${[["any", "Any engine"], ["own", "Mine"]]} value=${view.value.with} onChoose=${(how) => choose({ with: how })} /></span>`;
  return html`<${Card} id="plans" title="Plans" question=${plans} wide note=${note} side=${side}>
    ${!data && html`<${Missing} question=${plans} />`}
    ${data && !data.plans.length && html`<p>No deployment holds the targets: see below why not.</p>`}
    ${data?.plans.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Ranked plans"><table class="plans"><thead><tr>${HEAD.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${data.plans.map((plan) => html`<${Row} plan=${plan} />`)}</tbody></table></div>
      <div class="grid inner"><${Front} title="Pareto: throughput against speed" points=${data.pareto.throughput_against_speed} x=${{ label: "tok/s for one user", format: count }} y=${{ label: "tok/s of one GPU", format: count }} tell=${(one) => `${count(one.x)} tok/s for a user, ${count(one.y)} of a GPU`} />
        <${Front} title="Pareto: cost against latency" points=${data.pareto.cost_against_latency} x=${{ label: "time of a request, s", format: count }} y=${{ label: "$ per M output tokens", format: (value) => significant(value, 2) }} tell=${(one) => `${time(one.x)} a request, ${usd(one.y)} per M output tokens`} /></div>
      <${Data} name="llm-calc-plans" picture=${false} columns=${COLUMNS} rows=${data.plans.map((plan) => [plan.rank, plan.hardware.gpu, plan.gpus, layoutOf(plan), plan.ttft_s, plan.tpot_s, plan.output_tokens_per_s, plan.usd_per_hour, plan.usd_per_million_output_tokens_all_in, plan.launch_command])} />`}
    ${data && html`<${Told} texts=${data.warnings} warn /><details><summary>Taken for granted</summary><${Told} texts=${data.assumptions} /></details>`}
    ${data?.refused.length > 0 && html`<details><summary>${integer(data.refused.length)} other kinds of GPU, and why they are not shown</summary><ul class="columns">${data.refused.map((one) => html`<li><b>${one.gpu}</b> ${sentence(one.reason)}</li>`)}</ul></details>`}<//>`;
}
