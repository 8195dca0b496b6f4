// How wrong an answer could be: the nearest measurements, errors on what the fit had not seen, what was taken for granted.
import { html } from "../vendor/page/libraries.js";
import { estimate, inspection, memory } from "./api.js";
import { Card, differing, sentence, Table, Told } from "./card.js";
import { LISTS } from "./state.js";
import { count, integer, percent, time } from "./numbers.js";

const METRICS = { ttft_s: "TTFT", tpot_s: "TPOT", output_tokens_per_s: "Output" };
const SHOWS = { ttft_s: time, tpot_s: time, output_tokens_per_s: (value) => `${count(value)} tok/s` };
function figuresOf(run) {
  return Object.keys(METRICS).filter((key) => run[key] != null).map((key) => {
    const ours = run[`predicted_${key}`];
    const off = ours == null ? "" : ` (${ours >= run[key] ? "+" : "−"}${percent(Math.abs(ours / run[key] - 1))})`;
    return html`<div>${METRICS[key]} <b>${SHOWS[key](run[key])}</b>${ours == null ? "" : `, we say ${SHOWS[key](ours)}${off}`}</div>`;
  });
}

function Nearest({ basis: { nearest: runs, nearest_note: note } }) {
  if (!runs.length) return html`<h3>Nearest measurements</h3><p class="note">${sentence(note)}</p>`;
  const rows = runs.map((run) => [
    html`${run.model} · ${run.tensor * run.pipeline * run.data} × ${run.gpu} · ${run.engine} ${run.engine_version ?? ""}<small>${run.weights} · ${integer(run.input_tokens)} in / ${integer(run.output_tokens)} out · ${integer(run.requests)} at once</small>`,
    run.differs.length ? run.differs.map(differing).join(", ") : "nothing", figuresOf(run), html`<small>${run.source}</small>`,
  ]);
  return html`<h3>Nearest measurements</h3><p class="note">${sentence(note)} The fit has seen them: how far off answers are on what it had not seen stands below.</p><${Table} className="stacked" label="Nearest measurements" head=${["Run", "Differs in", "Measured", "Source"]} rows=${rows} />`;
}

const List = ({ title, texts, warn }) => texts.length > 0 && html`<h3>${title}</h3><${Told} texts=${texts} warn=${warn} />`;

export function HowWrong() {
  const served = estimate.state.value.data;
  if (!served) return null;
  const all = [inspection, memory, estimate].map((question) => question.state.value.data).filter(Boolean);
  const texts = (key) => [...new Set(all.flatMap((each) => each[key]))];
  const errors = served.basis.held_out_errors;
  const unseen = LISTS.unseen[errors[0]?.held_out] ?? "";
  return html`<${Card} id="wrong" title="How wrong could it be" wide question=${estimate}>
    <${Nearest} basis=${served.basis} />
    <h3>Our error</h3>
    ${errors.length ? html`<p class="note">On ${unseen}, the case that yours is like:</p>
      <${Table} className="stacked" label="Errors" head=${["Figure", "Load", "Runs compared", "Mean error", "Median error"]} rows=${errors.map((each) => [METRICS[each.metric] ?? each.metric, each.load.replace("_", " "), integer(each.measurements), percent(each.mean_error_fraction), percent(each.median_error_fraction)])} />`
      : html`<p class="note">Not known: no run of this kind was measured.</p>`}
    <${List} title="Warnings" texts=${texts("warnings")} warn /><${List} title="Assumptions" texts=${texts("assumptions")} />
  <//>`;
}
