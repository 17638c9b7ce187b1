// Building nodes. Text from a model only ever enters through createTextNode: it is never parsed as markup.

/** An element: h("button.link", { onclick: f }, "text", node, ...); the attributes may be left out. */
export function h(what, ...rest) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  if (tag === "button") node.type = "button";
  if (classes.length) node.className = classes.join(" ");
  const attributes = rest[0]?.constructor === Object ? rest.shift() : {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, v] of Object.entries(value)) node.style.setProperty(key, v);
    else node.setAttribute(name, value === true ? "" : value);
  }
  return fill(node, rest);
}

/** Replace what a node holds. */
export function fill(node, ...children) {
  node.replaceChildren(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  answer: "M5 12.5l4.5 4.5L19 7.5",
  defer: "M12 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM5 20c.6-3.8 3.4-6 7-6s6.4 2.2 7 6",
  abstain: "M8.5 9a3.5 3.5 0 1 1 5.2 3c-1.2.7-1.7 1.3-1.7 2.6M12 18.4v.1",
  copy: "M9 9h10v11H9zM5 15V4h10",
  up: "M7 11v9H4v-9zM7 11l4-7c1.6 0 2.4 1 2.2 2.6L12.8 9H19l-1.6 11H7",
  down: "M7 13V4H4v9zM7 13l4 7c1.6 0 2.4-1 2.2-2.6l-.4-2.4H19L17.4 4H7",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  branch: "M7 4v16M7 14c0-4 10-2 10-8M14 8l3-3 3 3",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20",
  document: "M7 3.5h7l4 4v13H7zM14 3.5v4h4M10 12h5M10 16h5",
  go: "M5 12h13M13 6l6 6-6 6",
  menu: "M4 7h16M4 12h16M4 17h16",
  upload: "M12 16V5M7.5 9L12 4.5 16.5 9M5 15v4h14v-4",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4.5l3 1.5",
  skip: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM6.5 6.5l11 11",
  refresh: "M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4",
  back: "M14 6l-6 6 6 6",
  next: "M10 6l6 6-6 6",
};

/** A line icon; decoration, so it is hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24",
    class: "cx-icon",
    "aria-hidden": "true",
  }))
    svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

const NAMES = {
  0x00ad: "SHY",
  0x061c: "ALM",
  0x180e: "MVS",
  0x200b: "ZWSP",
  0x200c: "ZWNJ",
  0x200d: "ZWJ",
  0x200e: "LRM",
  0x200f: "RLM",
  0x202a: "LRE",
  0x202b: "RLE",
  0x202c: "PDF",
  0x202d: "LRO",
  0x202e: "RLO",
  0x2060: "WJ",
  0x2066: "LRI",
  0x2067: "RLI",
  0x2068: "FSI",
  0x2069: "PDI",
  0xfeff: "BOM",
};
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
// Joiners that belong to the writing: inside an emoji sequence, and between letters that join.
const JOINING = /^[\p{Extended_Pictographic}\ufe0f\u{1f3fb}-\u{1f3ff}\p{sc=Arabic}\p{sc=Deva}\p{sc=Beng}]$/u;

/** Text as it is, with every character that hides or reorders its neighbours shown by name. */
export function reveal(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    const code = match[0].codePointAt(0);
    if ((code === 0x200c || code === 0x200d) && JOINING.test(before(text, match.index))) continue;
    if (match.index > from) parts.push(document.createTextNode(text.slice(from, match.index)));
    const hex = code.toString(16).toUpperCase().padStart(4, "0");
    parts.push(
      h("span.cx-hidden", { title: `U+${hex}, a character that cannot be seen` }, NAMES[code] ?? `U+${hex}`),
    );
    from = match.index + match[0].length;
  }
  if (from < text.length || !parts.length) parts.push(document.createTextNode(text.slice(from)));
  return parts;
}

function before(text, index) {
  return [...text.slice(Math.max(0, index - 2), index)].at(-1) ?? "";
}

/** A token alone, where its spaces and line ends matter: both shown. */
export function revealToken(text) {
  const shown = text.replaceAll(" ", "\u2423").replaceAll("\n", "\u23ce").replaceAll("\t", "\u21e5");
  return h("bdi.cx-token", ...reveal(shown));
}

/** A number with so many digits behind the point; one that rounds to zero has no minus sign. */
export function fixed(value, places) {
  const text = value.toFixed(places);
  return (Number(text) ? text : text.replace("-", "")).replace("-", "\u2212");
}

/** Two significant digits; "n/a" where a value is missing. */
export function number(value) {
  if (value === null || value === undefined) return "n/a";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const digits = Math.min(4, Math.max(0, 1 - Math.floor(Math.log10(size))));
  return size < 0.0005 ? value.toExponential(0).replaceAll("-", "\u2212") : fixed(value, digits);
}

/** A number with its exact value on hover. */
export function figure(value, unit = "") {
  return h(
    "span.cx-num",
    { title: value === null || value === undefined ? "not available" : `${value} ${unit}`.trim() },
    number(value),
  );
}

/** A horizontal bar; share in [0, 1]. */
export function bar(share, kind = "") {
  const width = `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`;
  return h("span", { class: `cx-bar ${kind}`, "aria-hidden": "true" }, h("span", { style: { width } }));
}

/** Left, right, up, down, Home and End move the focus among `items`; one of them is in the tab order. */
export function roving(event, items) {
  const at = items.indexOf(document.activeElement);
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const to = event.key === "Home" ? 0 : event.key === "End" ? items.length - 1 : step ? at + step : -1;
  if (at < 0 || to < 0 || to >= items.length) return false;
  event.preventDefault();
  items[to].focus();
  return true;
}
