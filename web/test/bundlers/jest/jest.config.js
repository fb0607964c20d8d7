export default {
  testEnvironment: "jsdom",
  transform: {}, // ES modules as they are: node --experimental-vm-modules
  setupFiles: ["./setup.cjs"],
};
