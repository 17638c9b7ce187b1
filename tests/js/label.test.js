// Marks on an answer, and the keys that people choose.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIONS, actionOf, changed, firstKeys, keysFrom, named } from "../../assets/js/label/keys.js";
import { toggled } from "../../assets/js/label/runs.js";

test("marks next to each other are one, and a mark is taken away where all of it is marked", () => {
  assert.deepEqual(toggled([], [2, 2], 6), [[2, 2]]);
  assert.deepEqual(toggled([[2, 2]], [3, 4], 6), [[2, 4]]);
  assert.deepEqual(toggled([[2, 4]], [3, 3], 6), [
    [2, 2],
    [4, 4],
  ]);
  assert.deepEqual(toggled([[2, 2]], [0, 5], 6), [[0, 5]]);
  assert.deepEqual(toggled([[0, 5]], [0, 5], 6), []);
});

test("a key does one thing: another action's key is refused", () => {
  const keys = firstKeys();
  assert.equal(new Set(Object.values(keys)).size, Object.keys(ACTIONS).length);
  const refused = changed(keys, "undo", "1");
  assert.match("why" in refused ? refused.why : "", /1 is the key of “Correct”: change that first\./);
  for (const key of ["Tab", "Escape", " ", "ArrowLeft", "Shift", "Control"])
    assert.ok("why" in changed(keys, "undo", key), key);
  const next = changed(keys, "undo", "z");
  assert.equal("keys" in next && actionOf(next.keys, "z"), "undo");
  assert.equal("keys" in next && actionOf(next.keys, "u"), null);
  assert.ok("keys" in changed(keys, "undo", "u"));
});

test("keys are named as people read them", () => {
  assert.deepEqual(["u", "Backspace", " ", "Enter", "?"].map(named), ["U", "⌫", "Space", "Enter", "?"]);
});

test("keys that were kept come back, two that were swapped too; two of one key are the first ones again", () => {
  assert.deepEqual(keysFrom({ correct: "2", incorrect: "1" }), {
    ...firstKeys(),
    correct: "2",
    incorrect: "1",
  });
  for (const kept of [null, 3, { correct: "2" }, { correct: "Tab" }, { correct: { a: 1 } }])
    assert.deepEqual(keysFrom(kept), firstKeys());
});
