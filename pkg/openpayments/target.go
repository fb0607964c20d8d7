package openpayments

import (
	"net/url"
	"strconv"
	"strings"

	"open-payments-wasm/pkg/signedhttp"
)

// target returns where a call goes: Path follows the path of the URL, without a second slash, and parameters follow
// its query.
func (op *Operation) target(call Call) string {
	address := call.URL
	if op.Address {
		address = FromPaymentPointer(address)
	}
	address, _, _ = strings.Cut(address, "#")
	path, query, _ := strings.Cut(address, "?")
	if op.Path != "" {
		path = strings.TrimRight(path, "/") + op.Path
	}
	if op.Pages {
		query = withParameters(query, call)
	}
	if query == "" {
		return path
	}
	return path + "?" + query
}

func withParameters(query string, call Call) string {
	values := []string{strconv.Itoa(call.First), strconv.Itoa(call.Last), call.Cursor, FromPaymentPointer(call.WalletAddress)}
	for i, name := range []string{"first=", "last=", "cursor=", "wallet-address="} {
		if values[i] == "0" || values[i] == "" {
			continue
		}
		if query != "" {
			query += "&"
		}
		query += name + url.QueryEscape(values[i])
	}
	return query
}

// FromPaymentPointer returns the URL that a payment pointer ("$wallet.example/alice") stands for, and what is none as it is.
// Without a path it is below /.well-known (https://paymentpointers.org).
func FromPaymentPointer(address string) string {
	pointer, isPointer := strings.CutPrefix(address, "$")
	if !isPointer || strings.ContainsAny(pointer, "?#") {
		return address
	}
	if host := strings.TrimSuffix(pointer, "/"); !strings.Contains(host, "/") {
		pointer = host + "/.well-known/pay"
	}
	return "https://" + pointer
}

// isSame tells whether two URLs are alike but for case, a slash at the end and a query; and, where plain http is
// permitted, for the scheme: a wallet in development has https in its ids.
func isSame(a, b string, allowHTTP bool) bool {
	return canonical(a, allowHTTP) == canonical(b, allowHTTP)
}

func canonical(address string, allowHTTP bool) string {
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		address = address[:i]
	}
	address = strings.ToLower(strings.TrimSuffix(address, "/"))
	if allowHTTP {
		address = strings.Replace(address, "http://", "https://", 1)
	}
	return address
}

// checkArguments returns what is wrong with what a server would refuse, an *signedhttp.ArgumentError, or nil.
// URL and AccessToken are checked by package signedhttp.
func (op *Operation) checkArguments(call Call) error {
	argument, problem := "", ""
	if op.Pages {
		argument, problem = pageProblem(call)
	}
	if op.Body {
		argument, problem = bodyProblem(call.Body)
	}
	if problem == "" {
		return nil
	}
	return &signedhttp.ArgumentError{Argument: argument, Problem: problem}
}

func pageProblem(call Call) (argument, problem string) {
	const range100 = "must be from 1 to 100"
	switch {
	case signedhttp.CheckURL(FromPaymentPointer(call.WalletAddress), true) != "":
		return "walletAddress", "must be an absolute URL, or a payment pointer like $wallet.example/alice"
	case call.First < 0 || call.First > 100:
		return "first", range100
	case call.Last < 0 || call.Last > 100:
		return "last", range100
	case call.First > 0 && call.Last > 0:
		return "last", "must not be given together with first"
	case call.Last > 0 && call.Cursor == "":
		return "last", "requires cursor"
	}
	return "", ""
}

// amounts are the members of what is created that are amounts.
var amounts = []string{"incomingAmount", "debitAmount", "receiveAmount"}

func bodyProblem(body []byte) (argument, problem string) {
	value, err := signedhttp.Decode(body)
	args, isObject := value.(map[string]any)
	if err != nil || !isObject {
		return "args", "must be an object"
	}
	var c checker
	for _, name := range amounts {
		if amount, there := args[name]; there {
			c.check("args."+name, "@amount", amount)
		}
	}
	if len(c.problems) == 0 {
		return "", ""
	}
	if argument, isMissing := strings.CutSuffix(c.problems[0], isMissing); isMissing {
		return argument, "is missing"
	}
	argument, problem, _ = strings.Cut(c.problems[0], isExpected)
	problem, _, _ = strings.Cut(problem, butFound)
	return argument, "must be " + problem
}
