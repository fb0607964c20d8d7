// What a page downloads for one continuation.

export default {
  id: "size",
  title: "Transfer size",
  metrics: ({ brotliQuality }) => ({
    brotli: { title: `brotli -q ${brotliQuality}`, unit: "B", main: true },
    gzip: { title: "gzip -9", unit: "B" },
    raw: { title: "raw", unit: "B" },
    wasm: { title: "of it wasm, brotli", unit: "B" },
    requests: { title: "requests", unit: "" },
  }),

  async measure({ peers, server }, add) {
    for (const { id, files } of peers) {
      const sum = (kind, paths) => paths.reduce((total, path) => total + server.sizes[path][kind], 0);
      for (const kind of ["raw", "gzip", "brotli"]) add(id, kind, [sum(kind, files)]);
      add(id, "wasm", [
        sum(
          "brotli",
          files.filter((path) => path.endsWith(".wasm")),
        ),
      ]);
      add(id, "requests", [files.length]);
    }
  },
};
