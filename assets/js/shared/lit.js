// The renderer of all views: lit-html, kept in the repository. Text is bound as text, never parsed as markup.

export { html, keyed, live, nothing, ref, render, repeat } from "../../vendor/lit-html-3.3.3.js";
