// Package resourceserver is the resource server of the sandbox: the wallet addresses, incoming payments, quotes and
// outgoing payments of Open Payments 1.3.0, with the statuses, words and order of checks of the reference server,
// Rafiki, over a ledger in memory.
package resourceserver
