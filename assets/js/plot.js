// Plots: Plotly, loaded once and only when something is drawn, drawn in place in the colours of the page.

import { fill, h } from "./dom.js";

const SCRIPT = "codex-assets/plotly.min.js";
const ROWS = 200; // of a plot's table; more are thinned evenly
const BUTTONS = [["resetScale2d", "toImage"]];

const plots = new Map(); // element -> what is drawn there
let script = null;

/**
 * Draw a figure, or draw it anew in place: what was zoomed stays zoomed while layout.uirevision is the same.
 *
 * element: an empty one that is given to the plot. figure: {data, layout} as Plotly has it; colours may be
 * "var(--cx-accent)". The height is layout.height, in px. options: {name: for screen readers, by default the
 * title; table: {head: [text], rows: [[text or number]]}, by default made of the traces' x and y;
 * onclick(point)}. Never fails: what keeps a plot from being drawn is said in its place, above its table.
 */
export async function draw(element, figure, options = {}) {
  const plot = plots.get(element) ?? begin(element);
  Object.assign(plot, { figure, options, revision: (plot.revision ?? 0) + 1 });
  const { revision } = plot;
  plot.title.textContent = titleOf(figure);
  plot.box.setAttribute("aria-label", options.name ?? titleOf(figure));
  // From the start on, so that nothing below moves away when it is drawn.
  plot.box.style.height = `${figure.layout?.height ?? 320}px`;
  if (plot.details.open) tabulate(plot);
  try {
    const Plotly = await load();
    if (revision === plot.revision && plot.box.isConnected) await render(Plotly, plot);
    plot.error.hidden = true;
  } catch (error) {
    plot.box.style.height = "";
    plot.error.hidden = false;
    plot.error.textContent = `The plot cannot be drawn (${error.message}). Its numbers are in the table below.`;
  }
}

function load() {
  script ??= new Promise((resolve, reject) => {
    const node = h("script", {
      src: new URL(SCRIPT, document.baseURI).href,
      onload: () => resolve(globalThis.Plotly),
      onerror: () => {
        script = null;
        node.remove();
        reject(new Error("Plotly's script did not load"));
      },
    });
    document.head.append(node);
  });
  return script;
}

function begin(element) {
  const title = h("h3.cx-plot-title");
  const box = h("div.cx-plot-box", { role: "figure" });
  const error = h("p.cx-error", { role: "alert", hidden: true });
  const table = h("div.cx-plot-rows", { tabindex: "0", role: "region", "aria-label": "The plot's numbers" });
  const details = h("details.cx-plot-table", h("summary", "Table"), table);
  element.classList.add("cx-plot");
  fill(element, title, error, box, details);
  const plot = { title, box, error, table, details };
  details.addEventListener("toggle", () => details.open && tabulate(plot));
  new ResizeObserver(() => box.data && box.clientWidth && globalThis.Plotly.Plots.resize(box)).observe(box);
  plots.set(element, plot);
  return plot;
}

async function render(Plotly, plot) {
  const { box, figure, options } = plot;
  const { data, layout } = themed(figure);
  const image = { filename: titleOf(figure) || "plot" };
  await Plotly.react(box, data, layout, {
    displaylogo: false,
    modeBarButtons: BUTTONS,
    toImageButtonOptions: image,
  });
  box.removeAllListeners("plotly_click");
  if (options.onclick) box.on("plotly_click", (event) => options.onclick(event.points[0]));
}

new MutationObserver(async () => {
  for (const [element, plot] of plots) {
    if (!element.isConnected) plots.delete(element);
    else if (plot.box.data) await render(globalThis.Plotly, plot);
  }
}).observe(document.body, { attributeFilter: ["class"] });

// The figure in the colours and the type of the page as it is now.
function themed(figure) {
  const style = getComputedStyle(document.body);
  const colour = (name) => style.getPropertyValue(name).trim();
  const resolved = (value) => {
    if (typeof value === "string")
      return value.startsWith("var(") ? colour(value.slice(4, -1)) : value;
    // Long arrays are data, and looking through them at every movement would be felt.
    if (Array.isArray(value)) return value.length && typeof value[0] === "string" ? value.map(resolved) : value;
    if (value?.constructor !== Object) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolved(inner)]));
  };
  const layout = resolved(figure.layout ?? {});
  const [text, muted, line] = ["--cx-text", "--cx-muted", "--cx-line"].map(colour);
  const font = { family: colour("--cx-font"), size: 12, color: text };
  const axis = {
    automargin: true,
    gridcolor: line,
    linecolor: colour("--cx-line-strong"),
    zerolinecolor: line,
    tickfont: { color: muted },
  };
  const axes = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))]);
  for (const name of axes) {
    const own = layout[name] ?? {};
    const title = typeof own.title === "string" ? { text: own.title } : own.title;
    layout[name] = { ...axis, ...own, ...(title && { title: { font: { color: muted, size: 12 }, ...title } }) };
  }
  // The title stands above the plot as text of the page, where it can break into lines.
  const legend = layout.showlegend ?? figure.data.length > 1;
  return {
    // A mark on the edge, such as at 100 %, is whole.
    data: figure.data.map((trace) => ({ ...resolved(trace), ...(trace.type === "scatter" && { cliponaxis: false }) })),
    layout: {
      uirevision: "kept",
      hovermode: "closest",
      dragmode: "zoom",
      ...layout,
      autosize: true,
      title: undefined,
      margin: { l: 48, r: 36, t: legend ? 32 : 12, b: 40 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { ...font, ...layout.font },
      legend: {
        ...layout.legend,
        ...{ orientation: "h", x: 0, xanchor: "left", y: 1, yanchor: "bottom" },
        ...{ font: { color: text }, bgcolor: "rgba(0,0,0,0)" },
      },
      // In the margin on the right, where nothing is to be read.
      modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: muted, activecolor: text },
      hoverlabel: { bgcolor: colour("--cx-surface"), bordercolor: colour("--cx-line-strong"), font },
    },
  };
}

function titleOf({ layout }) {
  return plain((typeof layout?.title === "string" ? layout.title : layout?.title?.text) ?? "");
}

// Plotly reads its labels as markup, so they come escaped; text of the page is taken as it is.
function plain(label) {
  return new DOMParser().parseFromString(label, "text/html").body.textContent;
}

function tabulate({ figure, options, table, box }) {
  const { head, rows } = options.table ?? tableOf(figure);
  const shown = thinned(rows);
  fill(
    table,
    shown.length < rows.length ? h("p.cx-muted", `${shown.length} of ${rows.length} rows`) : null,
    h(
      "table",
      h("caption.cx-sr", box.getAttribute("aria-label")),
      h("thead", h("tr", head.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", shown.map((row) => h("tr", row.map((value) => h("td", cell(value)))))),
    ),
  );
}

function tableOf({ data, layout }) {
  const axis = (name) => {
    const title = layout?.[name]?.title;
    return plain((typeof title === "string" ? title : title?.text) ?? name[0]);
  };
  const traces = data.filter((trace) => Array.isArray(trace.x) && Array.isArray(trace.y));
  const named = traces.length > 1;
  return {
    head: [...(named ? ["series"] : []), axis("xaxis"), axis("yaxis")],
    rows: traces.flatMap((trace) =>
      trace.x.map((x, i) => [...(named ? [trace.name ?? ""] : []), x, trace.y[i]]),
    ),
  };
}

function thinned(rows) {
  if (rows.length <= ROWS) return rows;
  return Array.from({ length: ROWS }, (_, i) => rows[Math.round((i * (rows.length - 1)) / (ROWS - 1))]);
}

function cell(value) {
  if (value === null || value === undefined) return "n/a";
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
}
