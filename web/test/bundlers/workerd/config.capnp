# What wrangler makes of a project: each import by the name that the scripts call it.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "internet", network = (allow = ["public", "local"])), # local: for the server of the test
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);

const worker :Workerd.Worker = (
  compatibilityDate = "2024-11-11", # since then fetch knows "no-store"
  modules = [
    (name = "workerd/worker.js", esModule = embed "worker.js"),
    (name = "continue.js", esModule = embed "../continue.js"),
    (name = "open-payments-wasm", esModule = embed "../node_modules/open-payments-wasm/index.js"),
    (name = "workerd/open-payments-wasm/open-payments.wasm", wasm = embed "../node_modules/open-payments-wasm/open-payments.wasm"),
    (
      name = "workerd/open-payments-wasm/open-payments.deferred.wasm",
      wasm = embed "../node_modules/open-payments-wasm/open-payments.deferred.wasm",
    ),
  ],
);
