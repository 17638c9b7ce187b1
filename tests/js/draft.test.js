import assert from "node:assert/strict";
import test from "node:test";
import { curveTable, withPoints } from "../../assets/js/tune/curve.js";
import { bodyOf, content, Draft, numberOf, outline, withThreshold } from "../../assets/js/tune/draft.js";

const at = (answer_above) => ({ name: "p", rules: [], answer_above, abstain_below: 0.1 });
const values = (policies) => policies.map(({ answer_above }) => answer_above);

test("taps on one control are one step, and a held one is until it is let go", () => {
  const { now } = Date;
  let clock = 10_000;
  Date.now = () => clock;
  const draft = new Draft(at(0));
  draft.move(at(1), "a");
  clock += 500;
  draft.move(at(2), "a");
  clock += 900;
  draft.move(at(3), "a");
  assert.deepEqual(values(draft.past), [0, 2]);
  draft.hold("b", true);
  draft.move(at(4), "b");
  clock += 5000;
  draft.move(at(5), "b");
  draft.release(true);
  draft.move(at(6), "b");
  assert.deepEqual(values(draft.past), [0, 2, 3, 5]);
  Date.now = now;
});

test("steps are taken back and forth, and a new one forgets what was taken back", () => {
  const draft = new Draft(at(0));
  draft.move(at(1));
  draft.move(at(2));
  assert.equal(draft.undo(), true);
  assert.deepEqual([draft.policy.answer_above, draft.before.answer_above], [1, 2]);
  assert.equal(draft.redo(), true);
  draft.undo();
  draft.move(at(9));
  assert.equal(draft.redo(), false);
  const again = new Draft(at(0), draft.kept);
  assert.deepEqual(values([again.policy, ...again.past]), [9, 0, 1]);
});

test("policies are the same when they decide alike, and have the same sliders when only thresholds differ", () => {
  const rule = (below) => ({ signal: "entropy", below, above: null, gate: "retrieve" });
  const [one, other] = [
    { ...at(0.5), rules: [rule(1)] },
    { ...at(0.5), name: "other", rules: [rule(1)] },
  ];
  assert.notEqual(content(one), content({ ...one, larger_above: 0.5 }));
  assert.equal(content(one), content({ ...one, larger_above: null }));
  assert.equal(bodyOf({ ...one, larger_above: 0.5, label: "mine", version: "mine@1" }).larger_above, 0.5);
  assert.equal(content(one), content(other));
  const moved = { ...one, rules: [rule(2)] };
  assert.notEqual(content(one), content(moved));
  assert.equal(outline(one), outline(moved));
  assert.equal(bodyOf({ ...one, version: "p@1" }).version, undefined);
});

test("a number is typed with a point, a comma or a true minus", () => {
  assert.deepEqual(["0,7", "\u22121.5", " 2 "].map(numberOf), [0.7, -1.5, 2]);
  assert.deepEqual(["", "half", "1e999"].map(numberOf), [Number.NaN, Number.NaN, Number.NaN]);
});

test("the points of the curve go along, and its table names the thresholds", () => {
  const risk = { name: "risk", x: [0.5, 1], y: [0.1, 0.25], customdata: ["0.80", "0.10"] };
  const figure = { data: [risk, { name: "policy", x: [0], y: [0] }], layout: {} };
  const moved = withPoints(figure, {
    now: { coverage: 0.4, accuracy: 0.9 },
    other: { coverage: 1, accuracy: 1 },
  });
  assert.equal(moved.data[0], risk);
  assert.deepEqual([moved.data[1].x, moved.data[1].y[0].toFixed(2)], [[0.4], "0.10"]);
  assert.deepEqual(moved.data[1].text, ["answered 40%<br>incorrect 10%"]);
  assert.deepEqual(curveTable(figure).rows, [
    ["0.80", "50%", "10%"],
    ["0.10", "100%", "25%"],
  ]);
});

test("a threshold moves the first rule on its signal, or makes one that abstains, and ends the guarantee", () => {
  const rule = (signal, side, value) => ({
    signal,
    below: null,
    above: null,
    gate: "reflect",
    [side]: value,
  });
  const policy = {
    ...at(0.5),
    guarantee: { risk: 0.1 },
    rules: [rule("entropy", "above", 2), rule("avg_logprob", "below", -1), rule("entropy", "above", 3)],
  };
  const moved = withThreshold(policy, "entropy", 1.5, "below");
  assert.deepEqual(
    moved.rules.map(({ below, above }) => [below, above]),
    [
      [null, 1.5],
      [-1, null],
      [null, 3],
    ],
  );
  assert.equal(moved.guarantee, null);
  assert.equal(policy.rules[0].above, 2);
  const added = withThreshold(policy, "degmat", 0.4, "below");
  assert.deepEqual(added.rules.at(-1), { signal: "degmat", below: 0.4, above: null, gate: "abstain" });
  assert.equal(added.rules.length, 4);
});
