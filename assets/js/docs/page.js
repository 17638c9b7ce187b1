// The HTTP page: Swagger UI over the description of the routes, in the look of the other pages.

import { html } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { alarm } from "../shared/parts.js";

/** @import {Given} from "../shared/types" */

const FAILED = "The script of this page did not load. Reload it; the routes are listed in openapi.json too.";

/** @param {Given} given */
export function mount(given) {
  new Docs(given).start();
}

class Docs extends Page {
  /** @type {string | null} */
  failed = null;

  start() {
    this.paint();
    const { script, style } = this.config;
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: style }));
    const onload = () => this.#show();
    const onerror = () => this.set({ failed: FAILED });
    document.head.append(Object.assign(document.createElement("script"), { src: script, onload, onerror }));
    const theme = () =>
      document.documentElement.classList.toggle("dark-mode", document.body.classList.contains("dark"));
    new MutationObserver(theme).observe(document.body, { attributeFilter: ["class"] });
    theme();
  }

  #show() {
    const { SwaggerUIBundle } = /** @type {any} */ (window);
    SwaggerUIBundle({
      url: this.config.description,
      domNode: this.find("[data-part=routes]"),
      deepLinking: true,
      validatorUrl: null, // it would send the description away
    });
  }

  view() {
    return html`<div class="cx-page cx-docs"><h1 class="cx-sr">HTTP</h1>${alarm(this.failed)}
      <section class="cx-card" aria-label="Routes" data-part="routes"></section></div>`;
  }
}
