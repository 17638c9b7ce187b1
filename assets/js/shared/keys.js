// The keyboard within a group, of which one part is in the tab order.

/**
 * Left, right, up, down, Home and End move the focus among `items`; whether it did.
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} items
 */
export function roving(event, items) {
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const step = steps[event.key];
  const to = event.key === "Home" ? 0 : event.key === "End" ? items.length - 1 : step ? at + step : -1;
  if (at < 0 || to < 0 || to >= items.length) return false;
  event.preventDefault();
  items[to].focus();
  return true;
}
