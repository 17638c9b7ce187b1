// What `npm run vendor` packs into assets/vendor/: the parts of lit-html that the pages use.

export { html, nothing, render } from "lit-html";
export { keyed } from "lit-html/directives/keyed.js";
export { live } from "lit-html/directives/live.js";
export { ref } from "lit-html/directives/ref.js";
export { repeat } from "lit-html/directives/repeat.js";
