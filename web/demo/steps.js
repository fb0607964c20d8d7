// What each step is called, in one sentence, and where the standards speak of it.

import { money } from "./words.js";

const rfc9635 = (section) => [`RFC 9635 §${section}`, `https://www.rfc-editor.org/rfc/rfc9635#section-${section}`];
const rfc9421 = (section) => [`RFC 9421 §${section}`, `https://www.rfc-editor.org/rfc/rfc9421#section-${section}`];

const resource = (operation) => ["Open Payments", `https://openpayments.dev/apis/resource-server/operations/${operation}/`];
const walletDocument = ["Open Payments", "https://openpayments.dev/apis/wallet-address-server/operations/get-wallet-address/"];
const rfc8037 = ["RFC 8037 §2", "https://www.rfc-editor.org/rfc/rfc8037#section-2"];
const keyCard = ["Look at the key", "#key"];

/** Who takes part, from left to right in the picture. */
export const cast = {
  person: "You",
  page: "This page",
  wallet: "Wallet",
  server: "Authorization server",
  shop: "Shop’s\u00a0wallet", // in the lane of wallets
};

/**
 * `text` is the sentence of a step, `tells` makes it from what a response with status 2xx says.
 *
 * @type {Record<string, {
 *   from: string, to: string, title?: string, text?: string, tells?: (body: any) => string, state?: string, link?: string[], more?: string[],
 * }>}
 */
export const steps = {
  twice: {
    from: "person",
    to: "page",
    title: "You press pay twice",
    text: "The page starts the payment twice at once, with one key.",
  },
  newKey: {
    from: "page",
    to: "page",
    title: "The page makes a key",
    text: "The browser keeps the private half where no script can read it.",
    link: rfc8037,
    more: keyCard,
  },
  oldKey: {
    from: "page",
    to: "page",
    title: "The page takes its key from IndexedDB",
    text: "It signs with the key that it made before, and still cannot read it.",
    link: rfc8037,
    more: keyCard,
  },
  publish: {
    from: "page",
    to: "wallet",
    title: "The public half is published",
    text: "Whoever checks a signature finds the public key at the page’s wallet address.",
    link: rfc9635("7.1"),
  },
  checkPublished: {
    from: "page",
    to: "wallet",
    title: "The published key is checked",
    text: "The key set at your wallet address must have the public half of this key.",
    link: rfc9635("7.1"),
  },
  discover: {
    from: "page",
    to: "wallet",
    title: "The wallet names its authorization server",
    text: "A wallet address is a URL, and its document says who issues tokens.",
    link: walletDocument,
  },
  shop: {
    from: "page",
    to: "shop",
    title: "The shop’s wallet names its servers",
    text: "The shop has a wallet address too, and nobody has to sign to read it.",
    link: walletDocument,
  },
  grants: {
    from: "page",
    to: "server",
    title: "The page asks for a grant that needs nobody",
    text: "To bill you and to ask for a price needs nobody’s consent: the token comes at once.",
    link: rfc9635("3.2"),
  },
  bill: {
    from: "page",
    to: "shop",
    title: "The shop expects a payment",
    text: "The shop’s wallet has not made an incoming payment.",
    tells: ({ incomingAmount }) => `The shop’s wallet now expects ${money(incomingAmount)}, at an address of its own.`,
    link: resource("create-incoming-payment"),
  },
  quote: {
    from: "page",
    to: "wallet",
    title: "Your wallet says what it costs",
    text: "Your wallet has not made a quote.",
    tells: cost,
    link: resource("create-quote"),
  },
  request: {
    from: "page",
    to: "server",
    title: "The page asks for a grant to pay",
    text: "It names the most that it wants to pay; the server answers that you must decide.",
    link: rfc9635("2"),
  },
  tooSoon: {
    from: "page",
    to: "server",
    title: "The page continues too soon",
    text: "The server asked for a wait, and the page did not wait.",
    link: rfc9635("5.2"),
  },
  again: {
    from: "person",
    to: "page",
    title: "You open the page again",
    text: "What is written down says where the payment stands, and the page goes on from there.",
  },
  go: {
    from: "person",
    to: "wallet",
    title: "You go to the wallet",
    text: "Only you can decide there: the page cannot see it or press a button on it.",
    link: rfc9635("4.1"),
  },
  back: {
    from: "wallet",
    to: "page",
    title: "The wallet sends you back",
    text: "The address that you come back to carries a reference and a hash.",
    link: rfc9635("4.2.1"),
  },
  declined: {
    from: "wallet",
    to: "page",
    title: "The wallet sends you back",
    text: "The address that you come back to carries neither reference nor hash.",
    link: rfc9635("4.2.1"),
  },
  hash: {
    from: "page",
    to: "page",
    title: "The way back is genuine",
    text: "The hash ties this redirect to the request that the page made.",
    link: rfc9635("4.2.3"),
  },
  wrongHash: {
    from: "page",
    to: "page",
    title: "The hash is not right",
    state: "bad",
    text: "This redirect does not belong to the request that the page made.",
    link: rfc9635("4.2.3"),
  },
  wait: {
    from: "page",
    to: "page",
    title: "The page waits",
    text: "The server wants some seconds between a request and its continuation.",
    link: rfc9635("3.1"),
  },
  continue: {
    from: "page",
    to: "server",
    title: "The page continues the grant",
    text: "It hands in the reference, signed with the same key, and receives the token.",
    link: rfc9635("5.1"),
  },
  token: {
    from: "page",
    to: "page",
    title: "The page has an access token",
    state: "good",
    text: "The token is bound to the key: whoever steals it alone has nothing.",
    link: rfc9635("3.2.1"),
  },
  requote: {
    from: "page",
    to: "wallet",
    title: "The quote has expired, and the page asks again",
    text: "Your wallet has not made another quote.",
    tells: (quote) => `${cost(quote)} That is no more than you approved.`,
    link: resource("create-quote"),
  },
  pay: {
    from: "page",
    to: "wallet",
    title: "The page pays",
    text: "It hands in its token and the quote, and your wallet holds them against what you approved.",
    link: resource("create-outgoing-payment"),
  },
  list: {
    from: "page",
    to: "wallet",
    title: "The page looks for the payment",
    text: "Only your wallet’s list says for certain whether it was paid.",
    link: resource("list-outgoing-payments"),
  },
  look: {
    from: "page",
    to: "wallet",
    title: "Your wallet is asked as well",
    text: "Your wallet has not said what it has sent.",
    tells: ({ failed, sentAmount }) => `${money(sentAmount)} has been sent${failed ? ", and the payment has failed" : ""}.`,
    link: resource("get-outgoing-payment"),
  },
  receipt: {
    from: "page",
    to: "shop",
    title: "The page asks what has arrived",
    text: "The shop’s wallet has not said what it received.",
    tells: ({ receivedAmount }) => `${money(receivedAmount)} has arrived.`,
    link: resource("get-incoming-payment"),
  },
  paid: {
    from: "page",
    to: "page",
    title: "The shop has its money",
    state: "good",
  },
  complete: {
    from: "page",
    to: "shop",
    title: "The page closes the bill",
    text: "It is closed already.",
    tells: () => "Nothing more is expected.",
    link: resource("complete-incoming-payment"),
  },
  giveBack: {
    from: "page",
    to: "server",
    title: "The page gives back what it was granted",
    text: "Nobody can use it any more.",
    link: rfc9635("6.2"),
  },
  failure: {
    from: "page",
    to: "page",
    state: "bad",
  },
};

function cost({ debitAmount, receiveAmount }) {
  return `${money(debitAmount)} will be debited, fee included, so that ${money(receiveAmount)} arrives.`;
}

/** What each covered component of a signature is there for. */
export const components = {
  "@method": "The method: this POST cannot become another call.",
  "@target-uri": "The address: the request is good at this URL and nowhere else.",
  authorization: "The token: it works together with this key only.",
  "content-digest": "The SHA-512 digest of the body: not one byte of it can change.",
  "content-length": "The number of bytes in the body. The browser adds the header, and it equals what was signed.",
  "content-type": "How the body is to be read.",
  "@signature-params":
    "What is covered, when it was signed (created), a number used once (nonce), what for (tag) and by which key (keyid).",
  signature: "The Ed25519 signature over exactly these lines.",
};

export const links = {
  signatureBase: rfc9421("2.5"),
  errors: rfc9635("3.6"),
  resources: ["Open Payments", "https://openpayments.dev/concepts/resources/"],
  digest: ["RFC 9530 §2", "https://www.rfc-editor.org/rfc/rfc9530#section-2"],
};
