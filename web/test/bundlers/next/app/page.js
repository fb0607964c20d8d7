// A server component. Its child is rendered on the server too, and comes to life in the browser.

import { Continue } from "./continue.js";

export default function Page() {
  return <Continue />;
}
