// A service worker that continues a grant with a peer. It starts the peer when it is first asked.

export function serve(peer) {
  let call;
  self.addEventListener("message", ({ data: { key, continuation }, ports: [port] }) => {
    call ??= peer.start(key, continuation);
    call
      .then((call) => call(continuation))
      .then(
        (grant) => port.postMessage({ token: grant.access_token.value }),
        (error) => port.postMessage({ error: String(error) }),
      );
  });
}
