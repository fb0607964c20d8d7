// What the extension remembers, and how its pages speak to the worker. The state is one object in
// storage: the worker alone writes it, the pages show it, so it does not matter which of them lives.
//
//   new → publish → ready → waiting → finishing → connected
//                     ↑________|__________|__________|   through ending, which gives the grant back

/** `local`, because approvals must outlive the browser and updates of the extension: see README.md. */
const area = chrome.storage.local;

export async function load() {
  const { state } = await area.get("state");
  return state ?? { step: "new" };
}

export function save(state) {
  return area.set({ state });
}

export function onChange(listener) {
  area.onChanged.addListener(({ state }) => state && listener());
}

/** Sends a command to the worker, which it wakes, and waits until it is done. */
export async function send(message, tries = 5) {
  try {
    await chrome.runtime.sendMessage(message);
  } catch (error) {
    if (tries === 1) throw error;
    await send(message, tries - 1); // the worker was stopped meanwhile; a command that is done already does nothing
  }
}
