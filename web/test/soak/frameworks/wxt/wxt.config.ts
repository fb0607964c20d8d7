import { defineConfig } from "wxt";

export default defineConfig({
  manifestVersion: 3, // for Firefox WXT takes 2, which has no background modules
  manifest: {
    content_security_policy: { extension_pages: "script-src 'self' 'wasm-unsafe-eval'" },
  },
});
