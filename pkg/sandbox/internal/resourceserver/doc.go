// Package resourceserver is the resource server of the sandbox: the wallet addresses, incoming payments, quotes and
// outgoing payments of Open Payments 1.3.0, with the statuses, words and order of checks of the reference server,
// Rafiki, over a ledger in memory.
//
// Below the base URL, with Config.Path before all but the first three:
//
//	GET  /{wallet}                           the wallet address document, or SPSP where that is accepted
//	GET  /{wallet}/jwks.json                 the keys that the wallet signs with
//	GET  /{wallet}/did.json                  404
//	POST /incoming-payments                  create
//	GET  /incoming-payments                  list
//	GET  /incoming-payments/{id}             read, also without a token
//	POST /incoming-payments/{id}/complete    complete
//	POST /quotes                             create
//	GET  /quotes/{id}                        read
//	POST /outgoing-payments                  create
//	GET  /outgoing-payments                  list
//	GET  /outgoing-payments/{id}             read
//	GET  /outgoing-payment-grant             what was spent under the grant of the token
//
// Money moves by double entry, in package ledger. A payment is created with nothing sent, its debit amount is held,
// and then it is delivered in the background. A receiver that has no room any more leaves the payment under way until
// its quote expires, and then it fails. What a payment that failed did not send goes back, the fee too. A payment
// without enough money in the wallet is created, and fails.
package resourceserver
