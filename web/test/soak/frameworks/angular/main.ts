import { Component, provideZonelessChangeDetection } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { buildInfo } from "open-payments-wasm";
import { continueHere } from "../continue.js";

@Component({ selector: "app-root", template: "<p>open-payments-wasm {{ version }}</p>" })
class App {
  version = buildInfo.version;
}

Object.assign(globalThis, { project: { page: continueHere } });
await bootstrapApplication(App, { providers: [provideZonelessChangeDetection()] });
