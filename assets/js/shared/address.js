// The page's address: what it says is open, so that it can be kept and sent.

import { ownerOf } from "./events.js";

/** @typedef {Record<string, string | number | null | undefined>} Values */

/** What the address asks for. */
export function asked() {
  return new URLSearchParams(location.search);
}

/** Put what was opened into the address, so that Back closes it; empty values are taken out. @param {Values} values */
export function keep(values) {
  put(values, (url) => history.pushState(null, "", url));
}

/** The same where nothing was opened: Back leads to what was there before. @param {Values} values */
export function settle(values) {
  put(values, (url) => history.replaceState(null, "", url));
}

/** @param {Values} values @param {(url: URL) => void} write */
function put(values, write) {
  const url = new URL(location.href);
  const before = url.searchParams.toString();
  const now = changed(url.searchParams, values).toString();
  url.search = now;
  if (now !== before) write(url);
}

/** After Back or Forward: show what the address asks for now, and put nothing into it. @param {(query: URLSearchParams) => unknown} show */
export function returned(show) {
  addEventListener("popstate", () => show(asked()));
}

/** @param {URLSearchParams} params @param {Values} values */
export function changed(params, values) {
  const now = new URLSearchParams(params);
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && value !== null && value !== "") now.set(name, String(value));
    else now.delete(name);
  return now;
}

/** An address of this page, or of another one: link({ run: id }), link({ run: id }, "tune"). @param {Values} values */
export function link(values, page = "") {
  return `${page}?${changed(new URLSearchParams(), values)}`;
}

/** A page of Codex, wherever it is served. @param {string} page */
export function place(page) {
  return new URL(page, document.baseURI).href;
}

/** A handler for a link that opens in place, unless a key is held down. @param {(link: HTMLElement) => unknown} open */
export function followed(open) {
  return (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    open(ownerOf(event));
  };
}
