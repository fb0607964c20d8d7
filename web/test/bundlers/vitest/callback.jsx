import { cleanCallbackUrl, isFinalizedGrantWithAccessToken } from "open-payments-wasm";
import { useEffect, useState } from "react";

/** The page at the finish URI. `client` is made once, outside of the component. */
export function Callback({ client }) {
  const [said, say] = useState("One moment …");
  useEffect(() => {
    const unmounted = new AbortController();
    const { signal } = unmounted;
    client.grant.finish(location.href, { signal }).then(
      (grant) => {
        if (signal.aborted || !isFinalizedGrantWithAccessToken(grant)) return;
        history.replaceState(null, "", cleanCallbackUrl(location.href));
        say("Approved.");
      },
      (error) => signal.aborted || say(`${error.code}: ${error.description}`),
    );
    return () => unmounted.abort();
  }, [client]);
  return <p>{said}</p>;
}
