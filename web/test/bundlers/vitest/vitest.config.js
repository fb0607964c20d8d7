// An application has one of these environments. Here all tests run in both.
const environments = ["node", "jsdom"];

export default {
  test: {
    projects: environments.map((environment) => ({
      test: { name: environment, environment, include: ["*.test.{js,jsx}"], provide: { isPage: environment === "jsdom" } },
    })),
  },
};
