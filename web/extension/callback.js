// Where the wallet sends the person back to. It hands its address to the worker, which it wakes.

import { send } from "./messages.js";

const outcomes = {
  allowed: "Payments are allowed. You can close this page.",
  finishing: "Your decision is kept, but the wallet has not confirmed it yet. Open the extension to go on.",
  waiting: "This was not sent by your wallet. Nothing was done.",
};

const { href, pathname } = location;
await send({ command: "callback", url: href });
history.replaceState(null, "", pathname); // the reference does not belong in the history
const { step, problem } = await send({ command: "look" });
document.getElementById("outcome").textContent = outcomes[step] ?? problem?.text ?? "There is nothing to do here.";
document.getElementById("close").hidden = false;
document.getElementById("close").addEventListener("click", async () => chrome.tabs.remove((await chrome.tabs.getCurrent()).id));
