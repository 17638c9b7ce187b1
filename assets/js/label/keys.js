// The keys of the Label page: what each does, and which ones people chose. Pure but for what is kept.

const KEPT = "codex.label.keys";

/** The name of what a key does, with its first key. @type {Record<string, [words: string, key: string]>} */
export const ACTIONS = {
  correct: ["Correct", "1"],
  incorrect: ["Incorrect", "2"],
  partly: ["Partly correct", "3"],
  unclear: ["Cannot tell", "4"],
  keep: ["Keep and continue", "Enter"],
  back: ["Back", "Backspace"],
  undo: ["Undo", "u"],
  search: ["Search the queue", "/"],
  sentence: ["Mark the sentence of a token", "s"],
  help: ["Show the keys", "?"],
};
/** Keys that move the focus, mark, or close. */
const TAKEN = ["Tab", "Escape", " ", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

/** @typedef {Record<string, string>} Keys action -> key */

/** The first keys. @returns {Keys} */
export function firstKeys() {
  return Object.fromEntries(Object.entries(ACTIONS).map(([action, [, key]]) => [action, key]));
}

/** The keys with another one for an action, or why not. @param {Keys} keys @param {string} action @param {string} key @returns {{keys: Keys} | {why: string}} */
export function changed(keys, action, key) {
  if (
    TAKEN.includes(key) ||
    (key.length > 1 && !["Enter", "Backspace", "Delete"].includes(key) && !/^F\d+$/.test(key))
  )
    return { why: `${named(key)} cannot be chosen: press a letter, a digit or a sign.` };
  const other = Object.keys(keys).find((each) => each !== action && keys[each] === key);
  if (other) return { why: `${named(key)} is the key of “${ACTIONS[other][0]}”: change that first.` };
  return { keys: { ...keys, [action]: key } };
}

/** What a key does. @param {Keys} keys @param {string} key */
export function actionOf(keys, key) {
  return Object.keys(keys).find((action) => keys[action] === key) ?? null;
}

/** A key as people read it. @param {string} key */
export function named(key) {
  if (key === " ") return "Space";
  if (key === "Backspace") return "⌫";
  return key.length === 1 ? key.toUpperCase() : key;
}

/** The keys that were kept, where they are whole: each action its own. @param {unknown} kept @returns {Keys} */
export function keysFrom(kept) {
  const first = firstKeys();
  const told = typeof kept === "object" && kept ? /** @type {Record<string, unknown>} */ (kept) : {};
  const keys = Object.fromEntries(
    Object.keys(first).map((action) => [action, String(told[action] ?? first[action])]),
  );
  const usable = Object.entries(keys).every(([action, key]) => "keys" in changed(keys, action, key));
  return usable ? keys : first;
}

/** The keys that were chosen here. @returns {Keys} */
export function keptKeys() {
  try {
    return keysFrom(JSON.parse(localStorage.getItem(KEPT) ?? "{}"));
  } catch {
    return firstKeys();
  }
}

/** @param {Keys} keys */
export function keepKeys(keys) {
  localStorage.setItem(KEPT, JSON.stringify(keys));
}
