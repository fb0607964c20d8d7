"use client";

import { buildInfo } from "open-payments-wasm";
import { useEffect } from "react";
import { continueHere } from "../../continue.js";

export function Continue() {
  useEffect(() => {
    globalThis.project = { page: continueHere };
  }, []);
  return <p>{`open-payments-wasm ${buildInfo.version}`}</p>;
}
