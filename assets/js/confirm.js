// Asking before something is lost, in place.

import { h } from "./dom.js";

/**
 * Show a question in `element`, hidden otherwise; the focus stands on the safe side.
 *
 * question: nodes. yes, doing: words of the button, before and while it works. run() -> message or null.
 * back(): moves the keyboard to where it came from, unless it has gone elsewhere.
 */
export function confirm(element, { question, yes, doing, run, back }) {
  const error = h("p.cx-error", { role: "alert", hidden: true });
  const end = () => {
    const here = element.contains(document.activeElement) || document.activeElement === document.body;
    element.hidden = true;
    if (here) back();
  };
  const working = (now, words) => {
    sure.disabled = keep.disabled = now;
    sure.textContent = words;
  };
  const keep = h("button.cx-button.small", { onclick: end }, "Keep");
  const sure = h(
    "button.cx-button.small.danger",
    {
      onclick: async () => {
        working(true, doing);
        const message = await run();
        if (!sure.isConnected) return; // another question stands here by now
        working(false, "Try again");
        if (!message) return end();
        error.hidden = false;
        error.textContent = message;
      },
    },
    yes,
  );
  element.replaceChildren(h("div.cx-job-line", h("p.cx-grow", question), sure, keep), error);
  // In braces: a handler that returns false keeps every other key from doing anything.
  element.onkeydown = (event) => {
    if (event.key === "Escape" && !keep.disabled) end();
  };
  element.hidden = false;
  keep.focus();
  element.scrollIntoView({ block: "nearest" });
}
