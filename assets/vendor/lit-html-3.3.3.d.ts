export * from "../../tests/js/vendor.js";
export type { TemplateResult } from "lit-html";
