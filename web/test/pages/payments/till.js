// A till: it shows what the order costs, and sends the person to the wallet by a click.

import { openWalletPopup, redirectToWallet, toDecimal } from "/dist/index.js";
import { client, order, show } from "./common.js";

const button = (id) => document.getElementById(id);
const payment = await client.payment.start({ ...order, finishUri: new URL("/payments/callback.html", location.href) });
const { debitAmount } = payment.quote;
document.getElementById("cost").textContent = `${toDecimal(debitAmount)} ${debitAmount.assetCode}`;
button("pay").addEventListener("click", () => redirectToWallet(payment));
button("popup").addEventListener("click", () => show(openWalletPopup(payment)));
for (const id of ["pay", "popup"]) button(id).disabled = false;
