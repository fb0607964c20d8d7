// Amounts in words.

import { toDecimal } from "/dist/index.js";

/** An amount as text with its currency, which stay on one line: "2.50 USD". */
export function money(amount) {
  return `${toDecimal(amount)}\u00a0${amount.assetCode}`;
}

/** What was paid, and who got how much of it. */
export function bill({ debitAmount }, receivedAmount) {
  const fee = String(BigInt(debitAmount.value) - BigInt(receivedAmount.value));
  const kept = money({ ...debitAmount, value: fee });
  return `${money(debitAmount)} was debited: ${money(receivedAmount)} has arrived, and ${kept} is the wallet’s fee.`;
}
