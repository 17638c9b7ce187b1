// Plots: Plotly, loaded once and only where something is drawn, drawn in place in the colours of the page.

import { html, render } from "./lit.js";
import { alarm, metric, muted, percent } from "./parts.js";
import { copyButton } from "./table.js";

/** @import {Figure, Numbers, PlotOptions} from "./types" */

const SCRIPT = "codex-assets/vendor/plotly-basic-4.1.1.min.js";
const ROWS = 200; // of a plot's table; more are thinned evenly
const SELECT = ["zoom2d", "select2d", "lasso2d"];
const BUTTONS = [["resetScale2d", "toImage"]];

/** @type {Set<Plot>} */
const plots = new Set();
/** @type {Promise<any> | null} */
let script = null;

/** A figure in the page; its element is put where it is to stand. */
export class Plot {
  element = Object.assign(document.createElement("div"), { className: "cx-plot" });
  /** @type {Figure | null} */
  figure = null;
  /** @type {PlotOptions} */
  options = {};
  /** @type {string | null} */
  failed = null;
  open = false;
  /** @type {ResizeObserver | null} */
  #resized = null;

  /** Begin to load what draws, before there is something to draw. */
  static warm() {
    load().catch(() => {});
  }

  /**
   * Draw a figure, or redraw it in place: what was zoomed stays zoomed while layout.uirevision is the same.
   * Never fails: what keeps a plot from being drawn is said in its place, above its table.
   * @param {Figure} figure @param {PlotOptions} options
   */
  async draw(figure, options = {}) {
    Object.assign(this, { figure, options });
    plots.add(this);
    this.#paint();
    const { box } = this;
    if (!this.#resized) {
      const resize = () => this.drawn && box.clientWidth && globals().Plotly.Plots.resize(box);
      this.#resized = new ResizeObserver(resize);
      this.#resized.observe(box);
    }
    // From the start on, so that nothing below moves away when it is drawn.
    box.style.height = `${figure.layout?.height ?? 320}px`;
    try {
      const Plotly = await load();
      if (figure === this.figure && box.isConnected) await this.#render(Plotly, figure);
      this.failed = null;
    } catch (error) {
      box.style.height = "";
      this.failed = `The plot cannot be drawn (${/** @type {Error} */ (error).message}). Its numbers are in the table below.`;
    }
    this.#paint();
  }

  get box() {
    return /** @type {HTMLElement} */ (this.element.querySelector(".cx-plot-box"));
  }

  get drawn() {
    return "data" in this.box;
  }

  /** Draw it once more, in the colours that the page has now. */
  async recolour() {
    if (!this.element.isConnected) plots.delete(this);
    else if (this.drawn && this.figure) await this.#render(globals().Plotly, this.figure);
  }

  /** @param {any} Plotly @param {Figure} figure */
  async #render(Plotly, figure) {
    /** @type {any} */
    const box = this.box;
    const { data, layout } = themed(figure);
    const toImageButtonOptions = { filename: titleOf(figure) || "plot" };
    const { onclick, onselect } = this.options;
    await Plotly.react(box, data, layout, {
      displaylogo: false,
      modeBarButtons: onselect ? [...BUTTONS, SELECT] : BUTTONS,
      toImageButtonOptions,
    });
    box.removeAllListeners("plotly_click");
    box.removeAllListeners("plotly_selected");
    if (onselect)
      box.on("plotly_selected", (/** @type {any} */ event) =>
        onselect((event?.points ?? []).map((/** @type {any} */ point) => point.customdata)),
      );
    if (onclick) box.on("plotly_click", (/** @type {any} */ event) => onclick(event.points[0]));
  }

  #paint() {
    const { figure, options } = this;
    if (!figure) return;
    const name = options.name ?? titleOf(figure);
    const toggled = (/** @type {Event} */ event) => {
      this.open = /** @type {HTMLDetailsElement} */ (event.target).open;
      this.#paint();
    };
    const numbers = this.open && rowsOf(options.table ?? tableOf(figure), name);
    render(
      html`<h3 class="cx-plot-title">${titleOf(figure)}</h3>${alarm(this.failed)}
        <div class="cx-plot-box" role="figure" aria-label=${name}></div>
        <details class="cx-plot-table" @toggle=${toggled}><summary>Table</summary>
          <div class="cx-plot-rows" tabindex="0" role="region" aria-label="The plot's numbers">${numbers || null}</div></details>`,
      this.element,
    );
  }
}

/** @returns {any} */
function globals() {
  return globalThis;
}

function load() {
  script ??= new Promise((resolve, reject) => {
    const node = document.createElement("script");
    node.src = new URL(SCRIPT, document.baseURI).href;
    node.onload = () => resolve(globals().Plotly);
    node.onerror = () => {
      script = null;
      node.remove();
      reject(new Error("Plotly's script did not load"));
    };
    document.head.append(node);
  });
  return script;
}

new MutationObserver(() => {
  for (const plot of plots) plot.recolour();
}).observe(document.body, { attributeFilter: ["class"] });

/** The figure in the colours and the type of the page as it is now. @param {Figure} figure */
function themed(figure) {
  const style = getComputedStyle(document.body);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  /** @type {(value: any) => any} */
  const resolved = (value) => {
    if (typeof value === "string") return value.startsWith("var(") ? colour(value.slice(4, -1)) : value;
    // Long arrays are data, and looking through them at every movement would be felt.
    if (Array.isArray(value))
      return value.length && typeof value[0] === "string" ? value.map(resolved) : value;
    if (value?.constructor !== Object) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolved(inner)]));
  };
  const layout = resolved(figure.layout ?? {});
  const [text, muted, line] = ["--cx-text", "--cx-muted", "--cx-line"].map(colour);
  const strong = colour("--cx-line-strong");
  const font = { family: colour("--cx-font"), size: 12, color: text };
  const lines = { gridcolor: line, linecolor: strong, zerolinecolor: line };
  const axis = {
    automargin: true,
    ...lines,
    tickfont: { color: muted },
    title: { font: { color: muted, size: 12 } },
  };
  const clear = "rgba(0,0,0,0)";
  const legend = { orientation: "h", x: 0, xanchor: "left", y: 1, yanchor: "bottom", font: { color: text } };
  return {
    // A mark on the edge, such as at 100%, is whole.
    data: figure.data.map((trace) => ({
      ...resolved(trace),
      ...(trace.type === "scatter" && { cliponaxis: false }),
    })),
    layout: {
      ...{
        uirevision: "kept",
        hovermode: "closest",
        dragmode: "zoom",
        template: { layout: { xaxis: axis, yaxis: axis } },
      },
      ...layout,
      // The title stands above the plot as text of the page, where it can break into lines.
      ...{ autosize: true, title: undefined, paper_bgcolor: clear, plot_bgcolor: clear },
      margin: { l: 48, r: 36, t: (layout.showlegend ?? figure.data.length > 1) ? 32 : 12, b: 40 },
      font: { ...font, ...layout.font },
      legend: { ...layout.legend, ...legend, bgcolor: clear },
      // In the margin on the right, where nothing is to be read.
      modebar: { orientation: "v", bgcolor: clear, color: muted, activecolor: text },
      hoverlabel: { bgcolor: colour("--cx-surface"), bordercolor: strong, font },
    },
  };
}

/** @param {any} title as Plotly has it: a text, or one with its type */
function words(title) {
  // Plotly reads its labels as markup, so they come escaped; text of the page is taken as it is.
  const label = typeof title === "string" ? title : (title?.text ?? "");
  return new DOMParser().parseFromString(label, "text/html").body.textContent ?? "";
}

/** @param {Figure} figure */
function titleOf({ layout }) {
  return words(layout?.title);
}

/** @param {Numbers} numbers @param {string} name */
function rowsOf({ head, rows, shares = [] }, name) {
  const step = (rows.length - 1) / (ROWS - 1);
  const few = rows.length <= ROWS;
  const shown = few ? rows : Array.from({ length: ROWS }, (_, i) => rows[Math.round(i * step)]);
  return html`<div class="cx-row between">${muted(few ? "" : `${ROWS} of ${rows.length} rows`)}${copyButton(() => [head, ...rows])}</div>
    <table class="cx-table"><caption class="cx-sr">${name}</caption><thead><tr>${head.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
      <tbody>${shown.map((row) => html`<tr>${row.map((value, i) => html`<td>${cell(value, shares.includes(i))}</td>`)}</tr>`)}</tbody></table>`;
}

/** @param {Figure} figure @returns {Numbers} */
function tableOf({ data, layout }) {
  const traces = data.filter((trace) => Array.isArray(trace.x) && Array.isArray(trace.y));
  const named = traces.length > 1;
  const axes = ["x", "y"].map((name) => words(layout?.[`${name}axis`]?.title) || name);
  const rows = (/** @type {any} */ { name = "", x, y }) =>
    x.map((/** @type {unknown} */ at, /** @type {number} */ i) => [...(named ? [name] : []), at, y[i]]);
  const isShare = ["x", "y"].map((name) => layout?.[`${name}axis`]?.tickformat?.endsWith("%"));
  const shares = isShare.flatMap((is, i) => (is ? [i + Number(named)] : []));
  return { head: [...(named ? ["series"] : []), ...axes], rows: traces.flatMap(rows), shares };
}

/** @param {any} value @param {boolean} isShare */
function cell(value, isShare) {
  if (value !== null && (typeof value !== "number" || (Number.isInteger(value) && !isShare))) return value;
  return isShare ? percent(value) : metric(value);
}
