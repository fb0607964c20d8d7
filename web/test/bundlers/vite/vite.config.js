export default {
  build: { outDir: "out" },
  server: { host: "127.0.0.1" },
};
