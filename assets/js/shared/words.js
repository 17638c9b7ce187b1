// Numbers, moments and texts as the pages write them. Pure: no document is needed.

/** @typedef {number | null | undefined} Value  A measurement; missing ones are null. */

/** A number with so many decimals; one that rounds to zero has no minus sign. @param {number} value @param {number} places */
export function fixed(value, places) {
  const text = value.toFixed(places);
  return (Number(text) ? text : text.replace("-", "")).replace("-", "\u2212");
}

/** Two significant digits; "n/a" where a value is missing. @param {Value} value */
export function number(value) {
  if (value === null || value === undefined) return "n/a";
  const size = Math.abs(Number(value.toPrecision(2)));
  if (size === 0) return "0";
  const digits = Math.min(4, Math.max(0, 1 - Math.floor(Math.log10(size))));
  return size < 0.0005 ? value.toExponential(0).replaceAll("-", "\u2212") : fixed(value, digits);
}

/** A share in percent, two significant digits, more where it would else be 100%. @param {Value} value */
export function share(value) {
  if (value === null || value === undefined) return "n/a";
  const percent = 100 * value;
  if (percent < 99 || percent >= 100) return `${number(percent)}%`;
  return `${[0, 1, 2].map((places) => percent.toFixed(places)).find((text) => Number(text) < 100) ?? "99.99"}%`;
}

/** A share that somebody chose, in percent, with all its digits: "12.5%". @param {number} value */
export function chosen(value) {
  return `${Number((100 * value).toFixed(3))}%`;
}

/** A text as one word of a shell's command. @param {string} text */
export function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A whole number: "1,234". @param {number} value */
export function count(value) {
  return value.toLocaleString("en");
}

/** A number of things: "1 file", "1,200 files". @param {number} value @param {string} noun */
export function counted(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A size with its unit, two significant digits. @param {number} size */
export function bytes(size) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const at = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(size) / 3));
  const value = size / 1000 ** at;
  return `${value < 9.95 && at ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${number(seconds / 3600)} h`;
}

/** A moment: the time if it is today's, else the day. @param {Date} at */
export function moment(at, now = new Date()) {
  if (at.toDateString() === now.toDateString())
    return at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  return at.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

/** What an action asks of people. @param {string} action */
export function actionWords(action) {
  return action === "defer" ? "defer: ask a person" : action;
}

/** A sentence with a capital. @param {string} words */
export function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @type {Record<number, string>} */
const NAMES = {
  ...{ 173: "SHY", 1564: "ALM", 6158: "MVS", 8288: "WJ", 65279: "BOM" },
  ...{ 8203: "ZWSP", 8204: "ZWNJ", 8205: "ZWJ", 8206: "LRM", 8207: "RLM" },
  ...{ 8234: "LRE", 8235: "RLE", 8236: "PDF", 8237: "LRO", 8238: "RLO" },
  ...{ 8294: "LRI", 8295: "RLI", 8296: "FSI", 8297: "PDI" },
};
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
// Joiners that belong to the writing: inside an emoji sequence, and between letters that join.
const JOINING = /^[\p{Extended_Pictographic}\ufe0f\u{1f3fb}-\u{1f3ff}\p{sc=Arabic}\p{sc=Deva}\p{sc=Beng}]$/u;

/**
 * A text in parts: what can be seen, and by name each character that hides or reorders its neighbours.
 * @param {string} text
 * @returns {(string | {name: string, code: string})[]}
 */
export function revealed(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    const point = match[0].codePointAt(0) ?? 0;
    const before = [...text.slice(Math.max(0, match.index - 2), match.index)].at(-1) ?? "";
    if ((point === 0x200c || point === 0x200d) && JOINING.test(before)) continue;
    if (match.index > from) parts.push(text.slice(from, match.index));
    const code = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
    parts.push({ name: NAMES[point] ?? code, code });
    from = match.index + match[0].length;
  }
  if (from < text.length || !parts.length) parts.push(text.slice(from));
  return parts;
}
