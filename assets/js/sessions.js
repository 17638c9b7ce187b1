// The list of sessions at the left, and what is kept of a question.

import { fill, h, icon, reveal } from "./dom.js";

export class Sessions {
  /** options: {levels, onopen(session, trace), onnew(), ondelete(session), onprivacy(level)}. */
  constructor(element, options) {
    this.options = options;
    this.list = h("nav", { "aria-label": "Sessions" });
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    this.note = h("p.cx-muted", { id: "cx-privacy-note" });
    this.radios = options.levels.map(({ name, label }) =>
      h(
        "label",
        h("input", {
          type: "radio",
          name: "cx-privacy",
          value: name,
          "aria-describedby": "cx-privacy-note",
          onchange: () => options.onprivacy(name),
        }),
        h("span", label),
      ),
    );
    element.append(
      h(
        "div.cx-side-head",
        h("h2", "Sessions"),
        h("button.cx-button.small", { onclick: options.onnew }, icon("plus"), "New"),
      ),
      this.list,
      this.error,
      h(
        "fieldset.cx-privacy",
        h("legend", "Kept of a question"),
        h("div.cx-segments", this.radios),
        this.note,
      ),
    );
  }

  /** state: {sessions, privacy} as the server gives them; open: {session, trace}. */
  show(state, open) {
    const days = new Map();
    for (const session of state.sessions) {
      const day = dayOf(new Date(session.used));
      days.set(day, [...(days.get(day) ?? []), session]);
    }
    fill(
      this.list,
      state.sessions.length
        ? [...days].map(([day, sessions]) => [
            h("h3", day),
            h(
              "ul",
              sessions.map((session) => this.#session(session, open)),
            ),
          ])
        : h("p.cx-hint", "What you ask is listed here, to be opened again."),
    );
    const level = this.options.levels.find(({ name }) => name === state.privacy);
    for (const label of this.radios) label.firstChild.checked = label.firstChild.value === state.privacy;
    this.note.textContent = level?.note ?? "";
  }

  fail(message) {
    this.error.hidden = !message;
    this.error.textContent = message ?? "";
  }

  #session(session, open) {
    const here = session.id === open.session;
    return h(
      "li",
      { class: here ? "here" : null },
      h(
        "div.cx-session",
        h(
          "a",
          {
            href: `?session=${session.id}`,
            title: session.title,
            "aria-current": here ? "page" : null,
            onclick: (event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              this.options.onopen(session.id, null);
            },
          },
          h("bdi", ...reveal(session.title)),
          session.questions > 1
            ? h("span.cx-count", { title: `${session.questions} questions` }, String(session.questions))
            : null,
        ),
        this.#delete(session),
      ),
      here && open.roots.length > 1
        ? h(
            "ul.cx-asked",
            open.roots.map((root) =>
              h(
                "li",
                h(
                  "button",
                  {
                    class: `cx-link ${root.action}`,
                    "aria-current": root.id === open.root ? "true" : null,
                    onclick: () => this.options.onopen(session.id, root.id),
                  },
                  icon(root.action),
                  h("bdi", ...reveal(root.title)),
                ),
              ),
            ),
          )
        : null,
    );
  }

  // Asks once more, in the place of the button itself; looking away takes it back.
  #delete(session) {
    const name = `Delete session: ${session.title}`;
    const button = h("button.cx-delete", { "aria-label": name, title: "Delete" }, icon("close"));
    button.addEventListener("click", () => {
      if (button.dataset.sure) return this.options.ondelete(session.id);
      button.dataset.sure = "yes";
      button.setAttribute("aria-label", `Really delete? ${session.title}`);
      fill(button, "Delete?");
    });
    button.addEventListener("blur", () => {
      delete button.dataset.sure;
      button.setAttribute("aria-label", name);
      fill(button, icon("close"));
    });
    return button;
  }
}

function dayOf(date) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}
