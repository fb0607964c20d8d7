// What a failure looks like in the picture, and what it says of the money.

import { adviceFor } from "./advice.js";
import { protectionFrom } from "./breaks.js";
import { links } from "./steps.js";

/** A failure as a step of a walk. */
export function failureOf(error, { steps, broken }) {
  const { code, status, description, message } = error;
  const place = placeOf(error, steps);
  return {
    from: place,
    to: place,
    title: titleOf(error, place),
    outcome: {
      code,
      status,
      link: place === "server" ? links.errors : links.resources,
      description: description ?? message,
      protects: protectionFrom(code, broken),
      todo: adviceFor(code),
    },
  };
}

function placeOf({ code, status }, steps) {
  if (code === "interaction_rejected") return "person";
  if (code === "payment_failed") return "wallet";
  const refusal = steps.findLast(({ exchange }) => exchange && exchange.status === status); // who was asked last
  return refusal?.to ?? "page";
}

const titles = {
  hash_mismatch: "The page stops, and sends nothing",
  payment_failed: "The payment failed",
  payment_pending: "It has not arrived yet",
  outcome_unknown: "The page cannot look what was paid",
};

function titleOf({ code, status, details }, place) {
  if (code === "interaction_rejected") return details?.result === "grant_rejected" ? "You declined" : "There was no decision";
  if (Object.hasOwn(titles, code)) return titles[code];
  if (!(status >= 400)) return "This did not work";
  return place === "server" ? "The server refuses" : "The wallet refuses";
}

const standings = {
  outcome_unknown: "Whether it was paid is not known.",
  timeout: "Whether it was paid is not known.",
  internal_error: "Whether it was paid is not known.",
  payment_pending: "It is under way.",
  payment_failed: "Nothing more is sent.",
  already_paid: "It was paid before.",
};

/** What is known of the money after a failure of a walk. */
export function standingOf({ code }, { setup, isAccepted = false }) {
  if (setup.own) return "There is no token.";
  return standings[code] ?? (isAccepted ? "Your wallet has accepted the payment." : "Nothing was paid.");
}
