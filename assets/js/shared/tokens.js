// Tokens in groups and steps of colour. Pure.

import { number } from "./words.js";

/** @import {Rule, Scale, Token} from "./types" */
/** @typedef {{from: number, end: number}} Unit  Tokens that are shown as one. */

/** Which of the scale's steps a token falls in, 0 the most confident; null without a value. @param {Scale} scale @param {Token} token */
export function step(scale, token) {
  const value = token[scale.field] ?? null;
  if (value === null) return null;
  const at = scale.edges.findIndex((edge) => (scale.falling ? value >= edge : value <= edge));
  return at < 0 ? scale.edges.length : at;
}

/** What a screen reader says after the token's text. @param {Token} token */
export function spoken(token) {
  if (token.p === null) return "probability not available";
  return `probability ${number(token.p)}${(token.rank ?? 0) > 1 ? `, choice number ${token.rank}` : ""}`;
}

/** Groups of tokens by the index after the last of each; without them, those that have a text. @param {{text: string}[]} tokens @param {number[] | null} ends @returns {Unit[]} */
export function unitsOf(tokens, ends) {
  // A token without text is the beginning of a character; it goes with the token that completes it.
  const known = ends ?? tokens.flatMap(({ text }, i) => (text ? [i + 1] : []));
  return known.map((end, i) => ({ from: i ? known[i - 1] : 0, end }));
}

/** The token that speaks for a unit: its weakest. @param {Token[]} tokens @param {Unit} unit */
export function weakest(tokens, { from, end }) {
  let least = from;
  for (let i = from + 1; i < end; i++) if ((tokens[i].p ?? 2) < (tokens[least].p ?? 2)) least = i;
  return least;
}

/** A rule in short: "< −1.5 → reflect". @param {Rule} rule @param {(value: number | null) => string} number */
export function ruleText(rule, number) {
  return `${rule.below !== null ? "<" : ">"} ${number(rule.below ?? rule.above)} \u2192 ${rule.gate}`;
}

/** Whether a rule holds for a value; a missing one never does. @param {Rule} rule @param {number | null | undefined} value */
export function holds(rule, value) {
  if (value === null || value === undefined) return false;
  return rule.below !== null ? value < rule.below : rule.above !== null && value > rule.above;
}

/** A threshold of a rule moved. @param {Rule[]} rules @param {number} at @param {number} value */
export function withRule(rules, at, value) {
  const side = rules[at].below !== null ? "below" : "above";
  return rules.map((rule, i) => (i === at ? { ...rule, [side]: value } : rule));
}

/**
 * A threshold of the confidence moved; the two push each other along, so that they never cross.
 * @template {{answer_above: number, abstain_below: number}} P
 * @param {P} policy @param {"answer_above" | "abstain_below"} name @param {number} value @returns {P}
 */
export function withThreshold(policy, name, value) {
  return name === "answer_above"
    ? { ...policy, answer_above: value, abstain_below: Math.min(policy.abstain_below, value) }
    : { ...policy, abstain_below: value, answer_above: Math.max(policy.answer_above, value) };
}
