// One beat after another, with time to read; at once for who wants no motion.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Player } from "../../assets/js/demo/player.js";

let calm = false;
Object.assign(globalThis, { window: globalThis, matchMedia: () => ({ matches: calm }) });

const BEATS = [
  { at: 0.5, kind: "token" },
  { at: 0.51, kind: "written" },
  { at: 30, kind: "samples" },
  { at: 30, kind: "confidence" },
];

/** A player, what it has shown so far, and how often it came to the end. */
function started() {
  const seen = { kinds: [], ends: 0 };
  const player = new Player(
    (beats) => seen.kinds.push(...beats.map(({ kind }) => kind)),
    () => seen.ends++,
  );
  player.start();
  return { player, seen };
}

beforeEach(() => {
  calm = false;
});

test("beats come as they were recorded, long waits shortened and short ones stretched", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { player, seen } = started();
  player.add(BEATS, true);
  assert.deepEqual(seen.kinds, []);
  context.mock.timers.tick(249);
  assert.deepEqual(seen.kinds, []); // half a second before the first token is shortened to a quarter
  context.mock.timers.tick(1);
  assert.deepEqual(seen.kinds, ["token"]);
  context.mock.timers.tick(11);
  assert.deepEqual(seen.kinds, ["token", "written"]);
  context.mock.timers.tick(1200); // for half a minute
  assert.deepEqual(seen.kinds, ["token", "written", "samples"]);
  context.mock.timers.tick(899);
  assert.equal(seen.kinds.length, 3); // it came at the same moment, and has to be read
  context.mock.timers.tick(1);
  assert.equal(seen.kinds.length, 4);
  assert.equal(seen.ends, 1);
  assert.equal(player.playing, false);
});

test("what is skipped is shown at once, and it ends once", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { player, seen } = started();
  player.add(BEATS, true);
  player.skip();
  assert.equal(seen.kinds.length, 4);
  context.mock.timers.tick(10_000);
  assert.deepEqual([seen.kinds.length, seen.ends], [4, 1]);
});

test("who wants no motion waits for nothing", () => {
  calm = true;
  const { player, seen } = started();
  player.add(BEATS, true);
  assert.deepEqual([seen.kinds.length, seen.ends], [4, 1]);
});

test("while more may come it has not ended, and what is stopped shows no more", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { player, seen } = started();
  player.add([{ kind: "token" }], false);
  context.mock.timers.tick(1000);
  assert.deepEqual([seen.kinds.length, seen.ends, player.playing], [1, 0, true]);
  player.add([{ kind: "token" }, { kind: "samples" }], true);
  context.mock.timers.tick(25);
  player.stop();
  context.mock.timers.tick(10_000);
  assert.deepEqual([seen.kinds.length, seen.ends, player.playing], [2, 0, false]);
});
