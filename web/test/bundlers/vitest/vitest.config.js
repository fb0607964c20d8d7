// An application has one of these environments. Here its tests run in both, and those of components in the one with a page.
const environments = { node: ["*.test.js"], jsdom: ["*.test.{js,jsx}"] };

export default {
  test: {
    projects: Object.entries(environments).map(([environment, include]) => ({
      test: { name: environment, environment, include, testTimeout: 60_000, provide: { isPage: environment === "jsdom" } },
    })),
  },
};
