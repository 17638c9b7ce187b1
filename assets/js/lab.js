// What the Evaluate and Calibrate pages share: calls, addresses, fields, figures in words, heads that sort.

import { fixed, h, reveal } from "./dom.js";

/** Milliseconds between two looks: while something runs, and otherwise. */
export const BUSY = 500;
export const IDLE = 4000;

/** A function that calls the server; always {value} or {error: {message}}. */
export function caller(server) {
  return async (name, data = {}) => {
    const answer = await server[name](data).catch(() => null);
    if (answer) return answer;
    // The bar on top looks until it is back, and says so.
    dispatchEvent(new Event("codex-status"));
    return { error: { message: "Codex cannot be reached. Is it still running?" } };
  };
}

/** Put values into the page's address, so that it can be kept and sent; empty ones are taken out. */
export function address(values) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  history.replaceState(null, "", url);
}

/** A control under its name, with a note below it. */
export function field(label, control, note = null) {
  return h("label.cx-lab-field", h("span", label), control, note ? h("span.cx-hint", note) : null);
}

/** A list to choose from; options: [[value, words], ...]. */
export function choice(options, attributes = {}) {
  return h("select.cx-field", attributes, options.map(([value, words]) => h("option", { value }, words)));
}

/** A share as a percentage, exact on hover. */
export function percent(share) {
  if (share === null || share === undefined) return h("span.cx-num", { title: "not available" }, "–");
  return h("span.cx-num", { title: String(share) }, `${Math.round(100 * share)} %`);
}

/** A figure in two digits with its interval, both exact on hover. */
export function measured(value, interval = null) {
  if (value === null || value === undefined) return h("span.cx-num", { title: "not available" }, "–");
  const exact = interval ? `${value}, 95 % interval ${interval.join(" to ")}` : String(value);
  return h(
    "span.cx-num",
    { title: exact },
    digits(value),
    interval ? h("span.cx-muted.cx-lab-interval", ` [${interval.map(digits).join(", ")}]`) : null,
  );
}

/** Two digits behind the point are what these figures can carry; four where two would be 0.00. */
export function digits(value) {
  return fixed(value, value && Math.abs(value) < 0.01 ? 4 : 2);
}

/** A moment: the time where it is today's, else the day; whole on hover. */
export function moment(iso) {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  const words = today
    ? at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })
    : at.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
  return h("time.cx-num", { datetime: iso, title: at.toLocaleString() }, words);
}

/** Text that people or models wrote, as it is. */
export function written(text) {
  return h("bdi", ...reveal(text));
}

/**
 * The heads of a table that sort it. columns: [{key, label, number, title}], a column without label cannot
 * sort; sort: {key, down}, changed in place before onsort() is called.
 */
export function heads(columns, sort, onsort) {
  const row = h("tr");
  const mark = () =>
    columns.forEach(({ key }, i) => {
      const head = row.children[i];
      if (key === sort.key) head.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  for (const { key, label, number: numeric, title, fixed } of columns) {
    const button = fixed
      ? h("span", { class: fixed === "hidden" ? "cx-sr" : null }, label)
      : h(
          "button.cx-sort",
          {
            title,
            onclick: () => {
              Object.assign(sort, { key, down: sort.key === key ? !sort.down : Boolean(numeric) });
              mark();
              onsort();
            },
          },
          label,
        );
    row.append(h("th", { scope: "col", class: numeric ? "cx-num" : null, "data-column": key }, button));
  }
  mark();
  return h("thead", row);
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Rows in the order that is asked for; missing values always last. */
export function sorted(rows, { key, down }) {
  return rows.toSorted((one, other) => {
    const [a, b] = [one[key], other[key]];
    const [noA, noB] = [a === null || a === undefined, b === null || b === undefined];
    if (noA || noB) return noA - noB;
    const order = typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
    return down ? -order : order;
  });
}
