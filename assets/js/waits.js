// What may happen while the server is awaited: it is asked again, a button is pressed again, the user goes on.

/** A filter for answers: null in place of one that was asked for before the newest. */
export function newest() {
  let asked = 0;
  return async (answer) => {
    const turn = ++asked;
    const came = await answer;
    return turn === asked ? came : null;
  };
}

/** A handler of which one call runs at a time; a press meanwhile does nothing. */
export function single(handler) {
  let running = false;
  return async (...given) => {
    if (running) return;
    running = true;
    try {
      return await handler(...given);
    } finally {
      running = false;
    }
  };
}

/** Whether the keyboard is where it was now, or nowhere, so that it may be moved after a wait. */
export function unmoved() {
  const from = document.activeElement;
  return () => document.activeElement === from || document.activeElement === document.body;
}

/** Look again when the page is seen again, and when the server that could not be reached is back. */
export function again(look) {
  document.addEventListener("visibilitychange", () => document.hidden || look());
  addEventListener("codex-back", () => look());
}
