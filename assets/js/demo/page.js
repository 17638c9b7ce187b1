// The Demo page: questions to click, what happens with each, the risk dial, and the reliability of the numbers.

import { html, nothing } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { alarm, button, decision, icon, segments, when, working, written } from "../shared/parts.js";
import { Plot } from "../shared/plot.js";
import { freshId } from "../shared/server.js";
import { Dial } from "./dial.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";

/** @import {Action, Given} from "../shared/types" */
/** @import {Beat, Config, Live, Story} from "./types" */

/** @param {Given} given */
export function mount(given) {
  const page = new Demo(given);
  given.watch("value", () => page.receive(given.props.value));
  page.start();
}

export class Demo extends Page {
  /** @type {"recording" | "live"} */
  mode = "recording";
  /** @type {Story | null} The question that is shown. */
  story = null;
  /** @type {string | null} What is asked now. */
  run = null;
  /** @type {Live | null} */
  live = null;
  #read = 0; // beats of it that were taken
  /** @type {string | null} */
  failed = null;
  /** What was decided, by mode and story. @type {Record<string, Action>} */
  decided = {};
  stage = new Stage(this);
  dial = new Dial(this);
  player = new Player(
    (beats) => this.#show(beats),
    () => this.#ended(),
  );

  /** @param {Given} given */
  constructor(given) {
    super(given);
    this.send = given.send;
  }

  start() {
    this.paint();
    Plot.warm();
    this.dial.load();
    addEventListener("pagehide", () => this.#stop());
  }

  /** @param {Story} story */
  async play(story) {
    this.#leave();
    this.set({ story });
    if (this.mode === "live") return this.#ask(story);
    this.stage.policy = this.config.policy;
    this.player.start();
    const { value, error } = await this.call("recorded", { story: story.id });
    if (this.story !== story || this.mode !== "recording") return;
    if (error) this.set({ failed: error.message });
    this.player.add(value ?? [], true);
    this.paint();
  }

  /** @param {Story} story */
  #ask(story) {
    const run = freshId();
    Object.assign(this, { run, live: null });
    this.#read = 0;
    this.player.start();
    this.send.live({ run, story: story.id });
    this.paint();
  }

  /** @param {Live | null} state */
  receive(state) {
    if (!state || state.run !== this.run) return;
    this.live = state;
    this.stage.policy = state.policy;
    const beats = state.beats.slice(this.#read);
    this.#read = state.beats.length;
    const over = Boolean(state.error) || beats.at(-1)?.kind === "end";
    if (over) this.run = null;
    if (state.error && !state.error.cancelled) this.failed = state.error.message;
    this.player.add(beats, over);
    this.paint();
  }

  /** @param {Beat[]} beats */
  #show(beats) {
    const before = this.stage.acts.length;
    for (const beat of beats) this.stage.add(beat);
    this.paint();
    if (this.stage.acts.length === before) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!calm) this.find(".cx-act:last-child")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  #ended() {
    const { story, mode, stage } = this;
    if (story && stage.decided) this.decided[`${mode} ${story.id}`] = stage.decided;
    this.paint();
  }

  // What is asked and nobody waits for is stopped.
  #stop() {
    const { run } = this;
    this.run = null;
    if (run) this.call("stop", { run });
  }

  #leave() {
    this.#stop();
    this.player.stop();
    this.stage.clear();
    Object.assign(this, { failed: null, live: null });
  }

  view() {
    const { stories } = /** @type {Config} */ (this.config);
    return html`<div class="cx-page demo"><header class="cx-demo-head"><h1>Answers that know when to stop</h1>
        <p class="cx-lead">A language model always says something. Codex estimates how likely that is to be correct, and acts on it: it answers, looks it up, says that it does not know, or asks a person. Click a question.</p>
        ${this.#modes()}</header>
      <div class="cx-stories" role="group" aria-label="Questions">${stories.map((story) => this.#card(story))}</div>
      ${this.story ? this.#played(this.story) : nothing}
      ${this.dial.view()}
      <footer class="cx-demo-part cx-row wrap"><a class="cx-button primary" href="./">Ask your own question</a><a class="cx-button" href="documents">Add your documents</a><a class="cx-button" href="tune">Move every threshold</a></footer></div>`;
  }

  #modes() {
    const { model, recorded } = /** @type {Config} */ (this.config);
    const change = (/** @type {string} */ mode) => {
      this.#leave();
      this.set({ mode, story: null });
    };
    const modes = segments({
      ...{ name: "cx-mode", legend: "Play", value: this.mode, note: "cx-mode-note", change },
      options: [
        ["recording", "Recordings"],
        ["live", "Live"],
      ],
    });
    const note =
      this.mode === "live"
        ? html`Asked now, of the model that is loaded${this.live ? html`, ${written(this.live.model)}` : nothing}. Nothing of it is saved.`
        : html`Recorded with ${written(model)}, ${when(recorded)}; played at its own pace, long waits shortened.`;
    return html`<div class="cx-row wrap">${modes}<span class="cx-told" id="cx-mode-note">${note}</span></div>`;
  }

  /** @param {Story} story */
  #card(story) {
    const here = story === this.story;
    const known = this.decided[`${this.mode} ${story.id}`];
    return html`<button type="button" class="cx-story-card ${here ? "here" : ""}" aria-pressed=${String(here)} @click=${() => this.play(story)}>
      <span class="cx-kicker">${story.title}</span><span class="cx-story-question">${story.question}</span><span class="cx-fate">${known ? decision(known) : html`<span class="cx-row tight">${icon("go")}play</span>`}</span></button>`;
  }

  /** @param {Story} story */
  #played(story) {
    const { player, live, mode, stage } = this;
    const waits = player.playing && !stage.acts.length;
    const loading = live?.loading && !live.beats.length ? "The model is loading…" : "The model is thinking…";
    const skip = player.playing
      ? button(mode === "live" ? "Stop" : "Skip to the end", () => this.#skip(), { kind: "small" })
      : button([icon("refresh"), mode === "live" ? "Ask again" : "Play again"], () => this.play(story));
    const badge = html`<span class="cx-source-badge ${mode}"><i aria-hidden="true"></i>${mode === "live" ? "live" : "recording"}</span>`;
    const lesson = !player.playing && stage.decided && mode === "recording";
    return html`<section class="cx-card cx-stage" aria-label="What happens"><header class="cx-row between wrap">${badge}${skip}</header>
      <h2 class="cx-stage-question">${story.question}</h2>${stage.view()}${waits ? working(loading) : nothing}${alarm(this.failed)}
      ${lesson ? html`<p class="cx-lesson">${story.lesson}</p>` : nothing}</section>`;
  }

  #skip() {
    if (this.mode === "recording") return this.player.skip();
    this.#stop();
    this.player.stop();
    this.paint();
  }
}
