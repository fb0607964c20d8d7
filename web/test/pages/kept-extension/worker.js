// Makes each call that the page asks for, with the grant of a name.

import { spend } from "./grant.js";

globalThis.born = Math.random(); // differs once the worker was stopped

chrome.runtime.onMessage.addListener((target, sender, reply) => {
  spend(target).then((outcome) => reply({ ...outcome, born }));
  return true; // the reply comes later
});
