// Deployments found for the workload and the targets: ranked, with cost and the command that starts each.
import { html, signal } from "../vendor/page/libraries.js";
import { plans } from "./api.js";
import { Card } from "./cards.js";
import { XYChart } from "./charts.js";
import { change, scenario, source } from "./state.js";
import { count, integer, time, usd } from "./numbers.js";

const copied = signal(-1);

export async function copy(text, mark) {
  await navigator.clipboard.writeText(text);
  mark();
}

function use(plan) {
  const load = plan.workload;
  change({
    g: plan.hardware.gpu, n: String(plan.hardware.count), w: plan.precision.weights ?? "", kv: plan.precision.kv_cache,
    tp: String(plan.parallelism.tensor), pp: String(plan.parallelism.pipeline), dp: String(plan.parallelism.data),
    ep: String(plan.parallelism.expert), e: plan.engine.name,
    ...(load.concurrency ? { load: "c", c: String(load.concurrency) } : {}),
  });
}

function Row({ plan, at }) {
  return html`<tr><td>${plan.rank}</td><th scope="row">${plan.replicas > 1 ? `${plan.replicas} × ` : ""}${plan.hardware.count} × ${plan.hardware.gpu}<small>${plan.engine.name}, ${plan.precision.weights}, TP ${plan.parallelism.tensor}${plan.parallelism.expert > 1 ? `, EP ${plan.parallelism.expert}` : ""}${plan.parallelism.pipeline > 1 ? `, PP ${plan.parallelism.pipeline}` : ""}</small></th>
    <td>${time(plan.ttft_s)}</td><td>${time(plan.tpot_s)}</td><td>${count(plan.output_tokens_per_s)}</td><td>${usd(plan.usd_per_hour)}</td><td>${usd(plan.usd_per_million_output_tokens_all_in)}</td><td><span class=${`chip ${plan.basis}`}>${plan.basis.replace("_", " ")}</span></td>
    <td class="acts"><button type="button" onClick=${() => use(plan)}>Use</button><button type="button" onClick=${() => copy(plan.launch_command, () => { copied.value = at; })}>${copied.value === at ? "Copied" : "Copy command"}</button></td></tr>`;
}

function Front({ points }) {
  const shown = points.map((each) => ({ x: each.x, y: each.y, text: each.text }));
  return shown.length > 1 && html`<${XYChart} label="Pareto front of the plans" series=${[{ name: "Front", points: shown }]} x=${{ label: "tok/s for one user", format: count }} y=${{ label: "tok/s of one GPU", format: count }} height=${220} />`;
}

export function Plans() {
  const { data, status, error } = plans.state.value;
  const ask = () => plans.ask(scenario.value, source.value);
  const front = (data?.pareto?.throughput_against_speed ?? []).map((each) => ({ x: each.x, y: each.y, text: `${each.plan.hardware.count} × ${each.plan.hardware.gpu}: ${count(each.x)} tokens/s for a user, ${count(each.y)} of a GPU` })).filter((each) => each.x > 0 && each.y > 0).sort((one, other) => one.x - other.x);
  return html`<${Card} id="plans" title="What to rent" state=${plans.state.value} wide>
    <p><button type="button" class="main" onClick=${ask} disabled=${status === "loading"}>${status === "loading" ? "Searching…" : "Find deployments"}</button> <span class="quiet">Every GPU, count, layout, format and engine that serves this workload within the targets, cheapest first.${status === "stale" ? " The scenario changed since." : ""}</span></p>
    ${error && html`<p class="refusal" role="alert">${error.error}</p>`}
    ${data && (data.plans.length ? html`<div class="scroll" tabindex="0" role="region" aria-label="Plans"><table class="plans"><thead><tr>${["", "Deployment", "First token", "Further token", "Output tok/s", "An hour", "M output tokens", "Basis", ""].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${data.plans.map((plan, at) => html`<${Row} plan=${plan} at=${at} />`)}</tbody></table></div>
      <details><summary>Command of the first</summary><pre tabindex="0">${data.plans[0].launch_command}</pre></details><${Front} points=${front} />` : html`<p>No deployment holds the targets.</p>`)}
    ${data && html`<details><summary>${integer(data.refused.length)} kinds of GPU that do not</summary><ul class="columns">${data.refused.map((each) => html`<li><b>${each.gpu}</b> ${each.reason}</li>`)}</ul></details>`}<//>`;
}
