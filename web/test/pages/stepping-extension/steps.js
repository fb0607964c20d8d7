// Lets the worker stand still before or after one of its requests and writes, and says which, so that a test can stop it there.
// At which one, counted from when a test says so, and where it stands, lies in storage.session, which outlives the worker.

const { local, session } = chrome.storage;
const own = { fetch: globalThis.fetch, set: local.set.bind(local), remove: local.remove.bind(local) };
let passed = 0;

async function step(name) {
  const { standAt } = await session.get("standAt");
  passed = standAt === undefined ? 0 : passed + 1;
  if (standAt === undefined || passed !== standAt) return;
  await session.set({ standsAt: name });
  await new Promise(() => {}); // for ever
}

const around =
  (name, act) =>
  async (...args) => {
    const [first] = args;
    const what = `${name} ${typeof first === "string" || Array.isArray(first) ? first : (first.url ?? Object.keys(first))}`;
    await step(`before ${what}`);
    const result = await act(...args);
    await step(`after ${what}`);
    return result;
  };

globalThis.fetch = around("fetch", own.fetch);
local.set = around("set", own.set);
local.remove = around("remove", own.remove);
