# What wrangler makes of a project: each import by the name that the script calls it.
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
  bindings = [
    (name = "KEY_ID", text = "worker-1"),
    (name = "PRIVATE_KEY", text = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"), # RFC 8037 A.1
  ],
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "open-payments-wasm", esModule = embed "../node_modules/open-payments-wasm/index.js"),
    (name = "open-payments-wasm/open-payments.wasm", wasm = embed "../node_modules/open-payments-wasm/open-payments.wasm"),
    (name = "open-payments-wasm/open-payments.deferred.wasm", wasm = embed "../node_modules/open-payments-wasm/open-payments.deferred.wasm"),
  ],
);
