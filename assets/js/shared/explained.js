// What a name means: one tooltip for all that carry data-says, on hover, focus and touch; Escape closes it.

import { html } from "./lit.js";

const OWNER = "[data-says]";
const GAP = 8; // pixels between the tooltip and the edges of the window
const tip = Object.assign(document.createElement("div"), {
  ...{ id: "cx-tip", className: "cx-tip", role: "tooltip", popover: "manual" },
});
/** @type {HTMLElement | null} */
let owner = null;
/** @type {HTMLElement | null} What the keyboard is on, until Escape. */
let focused = null;

/** A name that is explained. @param {import("./types").Explained} metric @param {unknown} words shown instead of its name */
export function explained({ name, says }, words = name) {
  return html`<button type="button" class="cx-explained" data-says=${says}>${words}</button>`;
}

/** @param {EventTarget | Element | null} target @param {string} selector */
function around(target, selector) {
  return target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest(selector)) : null;
}

/** @param {HTMLElement | null} next */
function show(next) {
  if (next === owner) return;
  owner?.removeAttribute("aria-describedby");
  owner = next;
  if (tip.matches(":popover-open")) tip.hidePopover();
  if (!owner) return;
  (owner.closest("main") ?? document.body).append(tip);
  tip.textContent = owner.dataset.says ?? "";
  owner.setAttribute("aria-describedby", tip.id);
  tip.showPopover();
  place();
}

/** Above the name, else below it and its number, so that neither is covered. */
function place() {
  if (!owner?.isConnected) return show(null);
  const { left } = owner.getBoundingClientRect();
  const { top, bottom } = (owner.closest("dl > div, tr") ?? owner).getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = tip;
  tip.style.left = `${Math.max(GAP, Math.min(left, document.documentElement.clientWidth - width - GAP))}px`;
  tip.style.top = `${top >= height ? top - height : bottom}px`;
}

document.addEventListener("focusin", ({ target }) => {
  focused = around(target, `${OWNER}:focus-visible`);
  show(around(target, OWNER));
});
document.addEventListener("focusout", () => {
  focused = null;
  show(null);
});
document.addEventListener("pointerover", ({ target }) => {
  if (!around(target, ".cx-tip")) show(around(target, OWNER) ?? focused);
});
document.addEventListener("scroll", () => owner && place(), true);
new ResizeObserver(() => owner && place()).observe(document.body);
const close = (/** @type {KeyboardEvent} */ event) => {
  if (!owner || event.key !== "Escape") return;
  event.preventDefault();
  focused = null;
  show(null);
};
document.addEventListener("keydown", close, true);
