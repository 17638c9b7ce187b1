import assert from "node:assert/strict";
import test from "node:test";

globalThis.document = new EventTarget();
Object.assign(globalThis.document, { hidden: false, body: {} });
globalThis.window = globalThis;
globalThis.addEventListener ??= () => {};
globalThis.dispatchEvent ??= () => true;
const { caller, freshId, latest, newest, Poller, single } = await import("../../assets/js/shared/server.js");

/** A promise that is kept by hand. */
function later() {
  let keep;
  const promise = new Promise((done) => {
    keep = done;
  });
  return Object.assign(promise, { keep });
}

test("what is under way has a name of its own, also where the page is served without TLS", () => {
  const { randomUUID } = crypto;
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  try {
    assert.notEqual(freshId(), freshId());
  } finally {
    Object.defineProperty(crypto, "randomUUID", { value: randomUUID, configurable: true });
  }
});

test("a server that cannot be reached is an error in words", async () => {
  const call = caller({
    gone: async () => null,
    fails: async () => Promise.reject(new Error()),
    works: async () => ({ value: 1 }),
  });
  assert.match((await call("gone")).error.message, /cannot be reached/);
  assert.match((await call("fails")).error.message, /cannot be reached/);
  assert.deepEqual(await call("works"), { value: 1 });
});

test("of several questions only the newest is answered", async () => {
  const [filter, first] = [newest(), later()];
  const old = filter(first);
  assert.equal(await filter(Promise.resolve("new")), "new");
  first.keep("old");
  assert.equal(await old, null);
});

test("a second press does nothing while the first works", async () => {
  const [work, held] = [[], later()];
  const press = single(async (name) => {
    work.push(name);
    await held;
  });
  const first = press("first");
  await press("second");
  held.keep();
  await first;
  await press("third");
  assert.deepEqual(work, ["first", "third"]);
});

test("what is asked for meanwhile is done once, at the end", async () => {
  const [held, seen] = [later(), []];
  let now = 1;
  const ask = latest(async () => {
    seen.push(now);
    await held;
  });
  const done = ask();
  now = 2;
  ask();
  now = 3;
  ask();
  assert.equal(ask.busy(), true);
  held.keep();
  await done;
  assert.deepEqual(seen, [1, 3]);
  assert.equal(ask.busy(), false);
});

test("a poller shows the newest answer, waits as long as it says then, and stops", async () => {
  const [shown, answers] = [[], [later(), later()]];
  let asked = 0;
  const poller = new Poller({ ask: () => answers[asked++], show: (it) => shown.push(it), wait: () => null });
  const [first, second] = [poller.look(), poller.look()];
  answers[1].keep("second");
  assert.equal(await second, "second");
  answers[0].keep("first");
  assert.equal(await first, null);
  assert.deepEqual(shown, ["second"]);

  let looks = 0;
  const again = later();
  const quick = new Poller({
    ask: async () => ++looks,
    show: () => {},
    wait: () => {
      if (looks === 3) again.keep();
      return looks < 3 ? 1 : null;
    },
  });
  quick.look();
  await again;
  quick.stop();
  assert.equal(looks, 3);
});
