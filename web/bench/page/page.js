// Runs in every page that is measured, inlined, so that it costs no request: starts the peer,
// makes the first call, and keeps `bench` for the calls that follow. Times are milliseconds since
// the navigation.

const config = JSON.parse(document.getElementById("config").textContent);
const begin = performance.now();
const compiled = watchWebAssembly();
const longTasks = watchLongTasks();

const continuation = (path = "continue") => ({
  url: `${config.authServer}/${path}/${config.peer}`,
  accessToken: "80UPRY5NM33OMUKMKSKU",
  interactRef: crypto.randomUUID(),
});

globalThis.bench = { config, continuation, memories: compiled.memories, longTasks };
globalThis.started = (async () => {
  const peer = await import(`${config.base}/peers/${config.peer}/page.js`);
  const imported = performance.now();
  bench.about = peer.about;
  bench.start = peer.start;
  bench.call = await peer.start(config.key, continuation());
  const started = performance.now();
  await once();
  const token = performance.now();
  return { begin, imported, compiled: compiled.at, started, token, ...downloads(begin, token), longTasks: await longTasks() };
})();

/** One continuation. */
async function once() {
  const grant = await bench.call(continuation());
  if (grant.access_token?.value !== "issued") throw new Error("this is not the grant");
}

/** Calls one after the other: the milliseconds of each. */
bench.alone = async (count) => {
  const times = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await once();
    times.push(performance.now() - start);
  }
  return times;
};

/** Makes so many calls of one URL in a row. */
bench.inARow = async (count, path) => {
  const call = await bench.start(config.key, continuation(path)); // the floor knows one URL
  for (let i = 0; i < count; i++) await call(continuation(path));
};

/** Calls at once: the milliseconds of all of them, for each call. */
bench.together = async (count) => {
  const start = performance.now();
  await Promise.all(Array.from({ length: count }, once));
  return (performance.now() - start) / count;
};

/**
 * Calls one after the other with a fetch that answers at once. `signed` is the time until it was
 * called with the signed request, `whole` the time until the response was there.
 */
bench.offline = async (count) => {
  const response = JSON.stringify({
    access_token: { value: "issued", manage: "https://server.example/manage/1", access: [] },
    continue: { access_token: { value: "next" }, uri: "https://server.example/continue/1" },
  });
  const online = globalThis.fetch;
  let called;
  globalThis.fetch = async () => {
    called = performance.now();
    return new Response(response, { headers: { "content-type": "application/json" } });
  };
  const times = { signed: [], whole: [] };
  try {
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      await once();
      times.whole.push(performance.now() - start);
      times.signed.push(called - start);
    }
  } finally {
    globalThis.fetch = online;
  }
  return times;
};

/** What was downloaded since `begin` for the peer, and when the last of it was there. */
function downloads(begin, end) {
  const files = performance.getEntriesByType("resource").filter(({ name }) => name.startsWith(location.origin));
  return {
    lastByte: Math.max(begin, ...files.map(({ responseEnd }) => Math.min(responseEnd, end))),
    files: files.map(({ name, transferSize }) => ({
      path: new URL(name).pathname.slice(config.base.length),
      fromCache: transferSize === 0,
    })),
  };
}

/** Notes when WebAssembly was last compiled, and the memories of its instances. */
function watchWebAssembly() {
  const watched = { at: 0, memories: [] };
  for (const name of ["compile", "compileStreaming", "instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (source, ...rest) => {
      const result = await original.call(WebAssembly, source, ...rest);
      if (!(source instanceof WebAssembly.Module)) watched.at = performance.now();
      const instance = result.instance ?? result;
      if (instance.exports)
        watched.memories.push(...Object.values(instance.exports).filter((value) => value instanceof WebAssembly.Memory));
      return result;
    };
  }
  return watched;
}

/** Returns a function that tells the long tasks so far, or undefined where the browser does not say. */
function watchLongTasks() {
  if (!PerformanceObserver.supportedEntryTypes.includes("longtask")) return async () => undefined;
  const durations = [];
  const note = (list) => durations.push(...list.getEntries().map(({ duration }) => duration));
  const observer = new PerformanceObserver(note);
  observer.observe({ type: "longtask", buffered: true });
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, 50)); // they are reported after the task
    note({ getEntries: () => observer.takeRecords() });
    return durations;
  };
}
