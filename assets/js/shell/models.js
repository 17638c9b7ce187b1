// The menu of models: what is loaded and its memory, another one in its place, fetching, and servers.

import { submitted } from "../shared/events.js";
import { field, textual, valuesOf } from "../shared/form.js";
import { BUSY, IDLE, JobBar } from "../shared/jobs.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, muted, working, written } from "../shared/parts.js";
import { Poller, single } from "../shared/server.js";
import { bytes } from "../shared/words.js";

/** @import {Answer} from "../shared/types" */
/** @import {ListedModel, LoadedModel, Menu} from "./types" */
/** @import {Bar} from "./page.js" */

/** @extends {Part<Bar>} */
export class ModelMenu extends Part {
  /** @type {Menu | null} */
  menu = null;
  /** @type {string | null} Why what was wanted last was not done. */
  failed = null;
  /** @type {string | null} Why the list cannot be read. */
  lost = null;
  /** @type {string | null} What is under way. */
  doing = null;
  /** @type {string | null} What was done last. */
  done = null;
  open = false;

  /** @param {Bar} bar */
  constructor(bar) {
    super(bar);
    this.job = new JobBar({
      label: "Fetch",
      paint: bar.paint,
      cancel: ({ id }) => this.#call("cancel_fetch", { job: id }),
      words: ({ state, summary }) =>
        state === "done" ? `${summary}.` : "Stopped; the next fetch resumes where it stopped.",
    });
    this.poller = new Poller({
      ask: () => this.page.call("models"),
      show: (answer) => this.#show(answer),
      wait: () => (this.open ? (this.menu?.job?.state === "running" ? BUSY : IDLE) : null),
    });
  }

  /** @param {Answer<Menu>} answer */
  #show({ value, error }) {
    if (value) this.menu = value;
    this.set({ lost: error?.message ?? null });
  }

  /** @param {string} name @param {object} data */
  async #call(name, data = {}) {
    const { value, error } = await this.page.call(name, data);
    if (value) this.menu = value;
    this.set({ failed: error?.message ?? null });
    return !error;
  }

  /** Change the loaded model, and say what it means for the calibrator. @param {string} doing @param {string} name @param {object} data */
  #change = single(async (doing, name, data = {}) => {
    this.poller.stop();
    this.set({ doing, done: null, failed: null });
    dispatchEvent(new Event("codex-status"));
    const well = await this.#call(name, data);
    const active = this.menu?.active;
    const done = active?.state === "unloaded" ? "Its memory is free." : `${active?.model} is loaded.`;
    this.set({ doing: null, done: well ? done : null });
    dispatchEvent(new Event("codex-status"));
    this.page.focus("#cx-models .cx-model-now");
    this.poller.look();
  });

  #fetch = single(async (/** @type {string} */ model) => {
    const well = await this.#call("fetch_model", { model });
    this.page.focus("#cx-models .cx-job:not([hidden])");
    this.poller.look();
    return well;
  });

  #toggled = (/** @type {ToggleEvent} */ event) => {
    this.open = event.newState === "open";
    if (this.open) this.poller.look();
    else this.poller.stop();
  };

  /** The button that opens the menu. */
  opener() {
    return html`<button type="button" class="cx-button small cx-models-open" popovertarget="cx-models" title="Load, fetch or unload a model">Models</button>`;
  }

  view() {
    const { menu, doing } = this;
    const failed = this.failed ?? this.lost;
    return html`<div popover id="cx-models" class="cx-card cx-body cx-models" role="dialog" aria-label="Models" @toggle=${this.#toggled}>
      ${menu ? this.#now(menu.active) : working(failed ? "" : "Reading the models …")}
      <p role="status">${doing ? working(doing) : (this.done ?? nothing)}</p>${alarm(failed)}
      ${menu ? [this.job.view(menu.job), this.#lists(menu.models), this.#others()] : nothing}</div>`;
  }

  /** @param {LoadedModel} active */
  #now(active) {
    const { model, state, process_memory: process, memory, base_url: server } = active;
    const parts = [
      server ? `on ${server}` : "",
      process === null ? "" : `${bytes(process)} held by Codex, measured`,
      memory === null ? "" : `the model about ${bytes(memory)}, estimated`,
    ].filter(Boolean);
    const unload = () => this.#change("Unloading …", "unload_model");
    const loaded = state === "ready";
    return html`<div class="cx-model-now" tabindex="-1"><div class="cx-row wrap"><strong class="cx-grow">${written(model)}</strong>
        ${loaded ? button(server ? "Disconnect" : "Unload", unload, { act: "unload" }) : muted(state)}</div>
      <p class="cx-muted cx-num">${parts.join(" · ")}</p>${this.#calibration(active)}</div>${larger(active)}`;
  }

  /** Whether a calibrator holds, and how to come by one. @param {LoadedModel} active */
  #calibration({ calibrated, calibration, calibrators }) {
    if (calibrated) return html`<p>Calibrated. ${written(calibration)}</p>`;
    const way = calibrators.length
      ? html`<a class="cx-link" href="calibrate">Activate one of ${calibrators.length} that hold</a>`
      : html`<a class="cx-link" href="evaluate">Start a run to fit one</a>`;
    // In a line of its own: within text colour alone would tell it from the words around it.
    return html`<p>Not calibrated. ${written(calibration)}</p><p>${way}</p>`;
  }

  /** @param {ListedModel[]} models */
  #lists(models) {
    const here = models.filter(({ state }) => state !== "fetchable");
    const rest = models.filter(({ state }) => state === "fetchable");
    return html`<section aria-label="On this machine"><strong>On this machine</strong><ul class="cx-list">${here.map((one) => this.#line(one))}</ul></section>
      <details><summary>${rest.length} more to fetch</summary><ul class="cx-list">${rest.map((one) => this.#line(one))}</ul></details>`;
  }

  /** @param {ListedModel} model */
  #line(model) {
    const { name, state, about, size, memory, calibrators } = model;
    const change = () =>
      this.#change(`Loading ${name} …`, "change_model", { model: name, base_url: "", api_key_env: "" });
    const action =
      state === "loaded"
        ? muted("loaded")
        : state === "here"
          ? button("Load", change, { label: `Load ${name}` })
          : button("Fetch", () => this.#fetch(name), { label: `Fetch ${name}` });
    const facts = [
      about,
      `${bytes(size)} on disk`,
      `about ${bytes(memory)} of memory`,
      calibrators.length ? "calibrator at hand" : "",
    ];
    return html`<li class="cx-row" data-model=${name}><span class="cx-grow"><bdi>${name}</bdi><br>${muted(facts.filter(Boolean).join(" · "), "cx-num")}</span>${action}</li>`;
  }

  /** A model of the hub, a file or folder, or a server, by what its user types. */
  #others() {
    const named = async (/** @type {HTMLFormElement} */ form) => {
      if (await this.#fetch(valuesOf(form).model)) form.reset();
    };
    const path = async (/** @type {HTMLFormElement} */ form) => {
      const { model } = valuesOf(form);
      await this.#change(`Loading ${model} …`, "change_model", { model, base_url: "", api_key_env: "" });
    };
    const server = async (/** @type {HTMLFormElement} */ form) => {
      const values = valuesOf(form);
      await this.#change(`Connecting to ${values.base_url} …`, "change_model", values);
    };
    return html`<details><summary>Another model</summary>
      <form class="cx-row wrap" @submit=${submitted(named)}>${field("Of Hugging Face", textual("model", { placeholder: "owner/repo/file.gguf" }))}<button type="submit" class="cx-button small">Fetch</button></form>
      <form class="cx-row wrap" @submit=${submitted(path)}>${field("File or folder", textual("model", { placeholder: "/path/to/model.gguf", maxlength: 1000 }))}<button type="submit" class="cx-button small">Load</button></form></details>
      <details><summary>A server</summary><form class="cx-row wrap" @submit=${submitted(server)}>
        ${field("Base URL", textual("base_url", { placeholder: "http://127.0.0.1:11434/v1", maxlength: 500 }))}
        ${field("Model", textual("model"))}${field("Variable with the key", textual("api_key_env", { placeholder: "CODEX_KEY…" }))}
        <button type="submit" class="cx-button small">Connect</button></form></details>`;
  }
}

/** The model beside the first that is asked before a person is. @param {LoadedModel} active */
function larger({ larger, larger_calibrator: calibrator }) {
  if (!larger) return nothing;
  const { model, state, memory, error } = larger;
  const states = {
    ready: "loaded",
    unloaded: "loaded by the first question that needs it",
    error: "not loaded",
  };
  const parts = [
    states[state],
    memory === null ? "on a server" : `about ${bytes(memory)}, estimated`,
    calibrator ? `calibrated by ${calibrator}` : "not calibrated",
  ];
  return html`<section aria-label="Larger model"><strong>Larger model</strong><p class="cx-wrap">${written(model)}</p>
    <p class="cx-muted cx-num">${parts.join(" · ")}</p>${error ? alarm(error) : nothing}</section>`;
}
