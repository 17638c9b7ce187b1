// What was said of an answer and not kept yet: it survives a reload, each answer's by itself.

/** @import {Key, Own} from "./types" */

const DRAFTS = "codex.label.drafts";
const MOST = 50;

/** @returns {Record<string, Own>} */
function drafts() {
  try {
    return JSON.parse(localStorage.getItem(DRAFTS) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

/** @param {string} labeller @param {Key} key */
function name(labeller, key) {
  return JSON.stringify([labeller, ...key]);
}

/** @param {string} labeller @param {Key} key @returns {Own | null} */
export function draftOf(labeller, key) {
  const kept = drafts()[name(labeller, key)];
  return kept && Array.isArray(kept.tags) && Array.isArray(kept.spans) ? kept : null;
}

/** @param {string} labeller @param {Key} key @param {Own | null} draft null: forget it */
export function keepDraft(labeller, key, draft) {
  const { [name(labeller, key)]: _, ...others } = drafts();
  const entries = Object.entries(others);
  if (draft) entries.push([name(labeller, key), draft]);
  localStorage.setItem(DRAFTS, JSON.stringify(Object.fromEntries(entries.slice(-MOST))));
}
