// A page: what it shows is a function of its fields, and after a change of them it paints itself.

import { render } from "./lit.js";
import { caller } from "./server.js";

/** @import {Given} from "./types" */

export class Page {
  #painting = false;
  #again = false;

  /** @param {Given} given */
  constructor({ element, props, server }) {
    this.root = /** @type {HTMLElement} */ (element.querySelector("[data-view]"));
    /** @type {any} */
    this.config = JSON.parse(props.config);
    this.call = caller(server);
  }

  /** What is shown now. @returns {unknown} */
  view() {
    return null;
  }

  /** Show what has changed, at once. A handler that a painting itself calls, such as onblur, paints after it. */
  paint = () => {
    this.#again = true;
    if (this.#painting) return;
    this.#painting = true;
    try {
      while (this.#again) {
        this.#again = false;
        render(this.view(), this.root);
      }
    } finally {
      this.#painting = false;
    }
  };

  /** Change fields, and show it. @param {object} change */
  set(change) {
    Object.assign(this, change);
    this.paint();
  }

  /** The first element that a selector names. @param {string} selector @returns {HTMLElement | null} */
  find(selector) {
    return this.root.querySelector(selector);
  }

  /** Move the keyboard to the first of these that is there. @param {...string} selectors */
  focus(...selectors) {
    for (const selector of selectors) {
      const found = this.find(selector);
      if (found) return found.focus();
    }
  }
}

/** A part of a page, painted together with it. @template {Page} Owner */
export class Part {
  /** @param {Owner} page */
  constructor(page) {
    this.page = page;
  }

  /** Change fields, and show it. @param {object} change */
  set(change) {
    Object.assign(this, change);
    this.page.paint();
  }
}

/** A selector for what has this value as its attribute. @param {string} name @param {string} value */
export function having(name, value) {
  return `[${name}="${CSS.escape(value)}"]`;
}
