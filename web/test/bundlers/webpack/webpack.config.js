export default {
  mode: "production",
  context: import.meta.dirname,
  entry: "./main.js",
  resolve: { tsconfig: false }, // web/test/tsconfig.json is not for this project
  output: { path: `${import.meta.dirname}/out` },
};
