// What handlers of events share, and the keyboard within a group of which one part is in the tab order.

/** The field that an event is about. @param {Event} event */
export function fieldOf(event) {
  return /** @type {HTMLInputElement} */ (event.target);
}

/** What stands in that field. @param {Event} event */
export function textOf(event) {
  return fieldOf(event).value;
}

/** The element that a handler stands on. @param {Event} event */
export function ownerOf(event) {
  return /** @type {HTMLElement} */ (event.currentTarget);
}

/** All elements that a selector names. @param {ParentNode} root @param {string} selector */
export function all(root, selector) {
  return /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);
}

/** A handler for a form, which the browser does not send itself. @param {(form: HTMLFormElement) => unknown} send */
export function submitted(send) {
  return (/** @type {Event} */ event) => {
    event.preventDefault();
    send(/** @type {HTMLFormElement} */ (event.target));
  };
}

/** A handler for the Escape key. @param {() => unknown} leave */
export function escaped(leave) {
  return (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape" && !event.defaultPrevented) leave();
  };
}

/** Opens the file picker that stands behind a button. @param {MouseEvent} event */
export function pickFile(event) {
  /** @type {HTMLElement} */ (ownerOf(event).nextElementSibling).click();
}

/** Whether the keyboard is where it was now, or nowhere, so that it may be moved after a wait. */
export function unmoved() {
  const from = document.activeElement;
  return () => document.activeElement === from || document.activeElement === document.body;
}

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Arrows, Home and End move the focus among `items`; whether it did. @param {KeyboardEvent} event @param {HTMLElement[]} items */
export function roving(event, items) {
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const step = STEPS[event.key];
  const to = event.key === "Home" ? 0 : event.key === "End" ? items.length - 1 : step ? at + step : -1;
  if (at < 0 || to < 0 || to >= items.length) return false;
  event.preventDefault();
  items[to].focus();
  return true;
}
