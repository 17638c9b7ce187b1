import assert from "node:assert/strict";
import test from "node:test";
import { holds, ruleText, spoken, step, unitsOf, weakest } from "../../assets/js/shared/tokens.js";
import { number } from "../../assets/js/shared/words.js";

const P = { field: "p", edges: [0.9, 0.7, 0.5, 0.3], falling: true };
const ENTROPY = { field: "entropy", edges: [0.5, 1, 1.75, 2.5], falling: false };

test("a value on a border belongs to the surer step, and a missing one to none", () => {
  assert.deepEqual(
    [0.9, 0.89, 0.3, 0.1, null].map((p) => step(P, { p })),
    [0, 1, 3, 4, null],
  );
  assert.deepEqual(
    [0.5, 0.51, 9].map((entropy) => step(ENTROPY, { entropy })),
    [0, 1, 4],
  );
});

test("a token is said with its probability, and which choice it was when it was not the first", () => {
  assert.equal(spoken({ p: 0.456, rank: 1 }), "probability 0.46");
  assert.equal(spoken({ p: 0.1, rank: 3 }), "probability 0.10, choice number 3");
  assert.equal(spoken({ p: null }), "probability not available");
});

test("the beginning of a character goes with the token that completes it", () => {
  const tokens = [
    { text: "a", p: 0.9 },
    { text: "", p: 0.2 },
    { text: "é", p: 0.8 },
  ];
  assert.deepEqual(unitsOf(tokens, null), [
    { from: 0, end: 1 },
    { from: 1, end: 3 },
  ]);
  assert.deepEqual(unitsOf(tokens, [3]), [{ from: 0, end: 3 }]);
  assert.equal(weakest(tokens, { from: 1, end: 3 }), 1);
});

test("a rule holds below or above its threshold, and never for what is missing", () => {
  const [below, above] = [
    { below: -1.5, above: null, gate: "reflect" },
    { below: null, above: 2.5, gate: "retrieve" },
  ];
  assert.deepEqual(
    [-2, -1.5, null].map((value) => holds(below, value)),
    [true, false, false],
  );
  assert.deepEqual(
    [3, 2.5, undefined].map((value) => holds(above, value)),
    [true, false, false],
  );
  assert.equal(ruleText(below, number), "< \u22121.5 \u2192 reflect");
});
