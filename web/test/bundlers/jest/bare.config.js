// What people have before they read anything: the environment as it comes.
export default { testEnvironment: "jsdom", transform: {}, testMatch: ["**/bare.js"] };
