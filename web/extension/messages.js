// How the pages of the extension speak to the worker.

/**
 * Sends a message to the worker, which it wakes, and returns its reply. When the worker is stopped meanwhile the message is sent
 * again: what is done already is not done again.
 */
export async function send(message, tries = 5) {
  try {
    return await chrome.runtime.sendMessage(message);
  } catch (error) {
    if (tries === 1) throw error;
    return send(message, tries - 1);
  }
}
