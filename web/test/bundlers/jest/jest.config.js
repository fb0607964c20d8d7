const project = {
  transform: {}, // ES modules as they are: node --experimental-vm-modules
  testMatch: ["**/*.test.js"],
};

// An application has one of these environments. Here all tests run in both.
export default {
  projects: [
    { ...project, displayName: "node", testEnvironment: "node", globals: { isPage: false } },
    { ...project, displayName: "jsdom", testEnvironment: "jsdom", globals: { isPage: true }, setupFiles: ["./setup.cjs"] },
  ],
};
