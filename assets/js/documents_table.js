// The table of documents: filtered as you type, in pages, with what can be done to them.

import { confirm } from "./confirm.js";
import { fill, h, icon, reveal } from "./dom.js";
import { bytes } from "./documents_upload.js";

const ROWS = 50; // of one page
const STATES = {
  indexed: { icon: "answer", kind: "answer" },
  waiting: { icon: "clock", kind: "defer" },
  skipped: { icon: "skip", kind: "abstain" },
};
const COLUMNS = [
  { key: "name", label: "Name" },
  { key: "state", label: "State" },
  { key: "pages", label: "Pages", number: true },
  { key: "chunks", label: "Passages", number: true },
  { key: "size", label: "Size", number: true },
  { key: "added", label: "Added", number: true },
];

export class Table {
  /** options: {onopen(document, opener), onremove(ids) -> message or null, oncheck()}. */
  constructor(element, options) {
    Object.assign(this, { options, documents: [], chosen: new Set(), page: 0, rows: new Map() });
    this.sort = { key: "name", down: false };
    this.count = h("h2.cx-docs-count");
    this.filter = h("input.cx-field", {
      type: "search",
      "aria-label": "Filter by name",
      placeholder: "Filter by name",
      spellcheck: "false",
      oninput: () => {
        this.page = 0;
        this.#show();
      },
    });
    this.all = h("input", {
      type: "checkbox",
      "aria-label": "Select all that are listed",
      onchange: () => {
        const listed = this.#listed().map(({ id }) => id);
        for (const id of listed) this.chosen[this.all.checked ? "add" : "delete"](id);
        this.#show();
      },
    });
    this.removal = h("button.cx-button.small", { onclick: () => this.#confirm([...this.chosen], this.removal) });
    this.asking = h("div.cx-confirm", { role: "alertdialog", "aria-label": "Remove documents", hidden: true });
    this.heads = COLUMNS.map((column) => this.#head(column));
    this.body = h("tbody");
    this.none = h("p.cx-hint.cx-docs-none", { hidden: true }, "No document has a name like that.");
    this.pager = h("nav.cx-pager", { "aria-label": "Pages of the table" });
    element.append(
      h(
        "section.cx-docs-table",
        { "aria-label": "Documents" },
        h(
          "header.cx-docs-bar",
          this.count,
          this.filter,
          this.removal,
          h(
            "button.cx-button.small",
            {
              title: "Look at every file again and index what has changed",
              onclick: () => this.options.oncheck(),
            },
            icon("refresh"),
            "Check for changes",
          ),
        ),
        this.asking,
        h("table", h("thead", h("tr", h("th.cx-pick", this.all), this.heads, h("th", h("span.cx-sr", "Remove")))), this.body),
        this.none,
        this.pager,
      ),
    );
  }

  show(documents) {
    this.documents = documents;
    const known = new Set(documents.map(({ id }) => id));
    for (const id of this.chosen) if (!known.has(id)) this.chosen.delete(id);
    for (const id of this.rows.keys()) if (!known.has(id)) this.rows.delete(id);
    this.#show();
  }

  #listed() {
    const wanted = this.filter.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const { key, down } = this.sort;
    const listed = this.documents.filter((one) => {
      const name = `${one.folder}/${one.name}`.toLocaleLowerCase();
      return wanted.every((word) => name.includes(word));
    });
    const compare = COLUMNS.find((column) => column.key === key).number
      ? (a, b) => (a[key] ?? -1) < (b[key] ?? -1) ? -1 : (a[key] ?? -1) > (b[key] ?? -1) ? 1 : 0
      : (a, b) => collator.compare(a[key], b[key]);
    listed.sort((a, b) => compare(a, b) || collator.compare(a.name, b.name) || collator.compare(a.path, b.path));
    return down ? listed.reverse() : listed;
  }

  #show() {
    const listed = this.#listed();
    const pages = Math.max(1, Math.ceil(listed.length / ROWS));
    this.page = Math.min(this.page, pages - 1);
    const shown = listed.slice(this.page * ROWS, (this.page + 1) * ROWS);
    const rows = shown.map((document) => this.#row(document));
    // Rows that stay are not touched, so that the focus and what is being read stay too.
    if (rows.length !== this.body.children.length || rows.some((row, i) => row !== this.body.children[i]))
      this.#replace(rows);
    this.count.textContent = counted(this.documents);
    this.none.hidden = listed.length > 0;
    this.removal.textContent = `Remove ${this.chosen.size} selected`;
    this.removal.hidden = !this.chosen.size;
    const chosen = listed.filter(({ id }) => this.chosen.has(id)).length;
    this.all.checked = chosen > 0 && chosen === listed.length;
    this.all.indeterminate = chosen > 0 && chosen < listed.length;
    this.#pager(listed.length, pages);
  }

  #replace(rows) {
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    fill(this.body, rows);
    // The row of a document that has changed is made anew, and its controls have the names of the old ones.
    const name = focused?.getAttribute("aria-label");
    const same = focused?.isConnected
      ? focused
      : name && [...this.body.querySelectorAll("[aria-label]")].find((it) => it.getAttribute("aria-label") === name);
    same?.focus({ preventScroll: true });
  }

  #row(document) {
    const known = this.rows.get(document.id);
    const key = JSON.stringify(document);
    if (known?.key === key) {
      known.box.checked = this.chosen.has(document.id);
      return known.row;
    }
    const box = h("input", {
      type: "checkbox",
      "aria-label": `Select ${document.name}`,
      onchange: () => {
        this.chosen[box.checked ? "add" : "delete"](document.id);
        this.#show();
      },
    });
    box.checked = this.chosen.has(document.id);
    const state = STATES[document.state];
    const row = h(
      "tr",
      { "data-state": document.state },
      h("td.cx-pick", box),
      h("th.cx-docname", { scope: "row" }, this.#name(document), folder(document), reason(document)),
      h("td", h(`span.cx-badge.${state.kind}`, icon(state.icon), document.state)),
      numeric(document.pages, document.pages),
      numeric(document.state === "indexed" ? document.chunks : null, document.chunks),
      h("td.cx-num", { title: `${document.size.toLocaleString("en")} bytes` }, bytes(document.size)),
      when(document),
      h("td.cx-act", this.#remove(document)),
    );
    this.rows.set(document.id, { key, row, box });
    return row;
  }

  #name(document) {
    const name = h("bdi", ...reveal(document.name));
    if (document.state !== "indexed") return h("span", { title: document.path }, name);
    const link = h(
      "a",
      {
        href: `?${new URLSearchParams({ open: document.id })}`,
        title: document.path,
        onclick: (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          this.options.onopen(document, link);
        },
      },
      name,
    );
    return link;
  }

  #remove(document) {
    const button = h(
      "button.cx-icon-button",
      { title: "Remove", "aria-label": `Remove ${document.name}`, onclick: () => this.#confirm([document.id], button) },
      icon("close"),
    );
    return button;
  }

  // What is lost is said before it is.
  #confirm(ids, opener) {
    const chosen = this.documents.filter(({ id }) => ids.includes(id));
    const uploaded = chosen.filter((one) => one.uploaded).length;
    const what = ids.length === 1 ? h("bdi", ...reveal(chosen[0]?.name ?? "")) : `${ids.length} documents`;
    const files = [
      uploaded ? (uploaded === 1 ? "The uploaded copy is deleted." : `${uploaded} uploaded copies are deleted.`) : null,
      chosen.length > uploaded ? "Files in folders of your own stay where they are." : null,
    ];
    const lost = `Codex will not find ${ids.length === 1 ? "it" : "them"} any more. ${files.filter(Boolean).join(" ")}`;
    confirm(this.asking, {
      question: ["Remove ", h("strong", what), `? ${lost} This cannot be undone.`],
      yes: ids.length === 1 ? "Remove it" : `Remove ${ids.length}`,
      doing: "Removing …",
      run: () => this.options.onremove(ids),
      back: () => (opener.isConnected && !opener.hidden ? opener : this.filter).focus(),
    });
  }

  #head({ key, label, number }) {
    const button = h("button.cx-sort", {
      onclick: () => {
        this.sort = { key, down: this.sort.key === key ? !this.sort.down : Boolean(number) };
        for (const head of this.heads) head.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", this.sort.down ? "descending" : "ascending");
        this.#show();
      },
    }, label);
    const head = h("th", { scope: "col", class: number ? "cx-num" : null, "data-column": key }, button);
    if (key === this.sort.key) head.setAttribute("aria-sort", "ascending");
    return head;
  }

  #pager(total, pages) {
    this.pager.hidden = pages < 2;
    const go = (step, label, name) =>
      h(
        "button.cx-icon-button",
        {
          "aria-label": label,
          title: label,
          disabled: this.page + step < 0 || this.page + step >= pages,
          onclick: () => {
            this.page += step;
            this.#show();
            this.pager.querySelector(`[aria-label="${label}"]:enabled`)?.focus();
          },
        },
        icon(name),
      );
    fill(
      this.pager,
      go(-1, "Page before", "back"),
      h("span.cx-num", `${this.page * ROWS + 1}–${Math.min(total, (this.page + 1) * ROWS)} of ${total.toLocaleString("en")}`),
      go(1, "Next page", "next"),
    );
  }
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function counted(documents) {
  const of = (state) => documents.filter((one) => one.state === state).length;
  const parts = [`${documents.length.toLocaleString("en")} ${documents.length === 1 ? "document" : "documents"}`];
  for (const state of ["waiting", "skipped"]) if (of(state)) parts.push(`${of(state)} ${state}`);
  return parts.join(" · ");
}

function folder(document) {
  return document.folder ? h("span.cx-folder", h("bdi", ...reveal(document.folder))) : null;
}

function reason(document) {
  return document.reason ? h("p.cx-reason", h("bdi", ...reveal(document.reason))) : null;
}

function numeric(value, exact) {
  return h("td.cx-num", { title: value === null ? "not available" : String(exact) }, value === null ? "–" : value.toLocaleString("en"));
}

function when(document) {
  const added = new Date(document.added);
  const today = added.toDateString() === new Date().toDateString();
  const words = today
    ? added.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })
    : added.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
  const indexed = document.indexed ? `; indexed ${new Date(document.indexed).toLocaleString()}` : "";
  return h("td.cx-num", { title: `added ${added.toLocaleString()}${indexed}` }, words);
}
