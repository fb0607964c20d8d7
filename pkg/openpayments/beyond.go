package openpayments

import (
	"strconv"
	"strings"
)

// problems are those of a response to the operation.
func (r *reader) problems(value any) []string {
	var c checker
	c.check("", "@"+r.op.id, value)
	if document, isObject := value.(map[string]any); isObject && len(c.problems) == 0 {
		c.checkBeyond(r, document)
	}
	return c.problems
}

// checkBeyond checks what the documents do not say.
func (c *checker) checkBeyond(r *reader, document map[string]any) {
	id, isText := document["id"].(string)
	switch {
	case r.op.identify && isText && !isSame(id, r.address, r.allowHTTP):
		c.problems = []string{"id is that of another address than the one asked for"}
	case r.op.identify && r.op.Address:
		c.checkServers(r, document)
	case r.op.check == nil:
	case !r.op.Pages:
		r.op.check(c, "", document)
	default:
		c.checkPage(r.op, document)
	}
}

// checkServers: what everybody can publish, at https, must not lead a server to its own neighbours.
func (c *checker) checkServers(r *reader, document map[string]any) {
	if r.allowHTTP || !strings.HasPrefix(strings.ToLower(r.address), "https:") {
		return
	}
	for _, name := range []string{"authServer", "resourceServer"} {
		if server, _ := document[name].(string); !strings.HasPrefix(strings.ToLower(server), "https:") {
			c.fail(name, "an https: URL", "another")
		}
	}
}

func (c *checker) checkPage(op *Operation, page map[string]any) {
	items, isArray := page["result"].([]any)
	if !isArray {
		c.problems = []string{"result" + isMissing}
	}
	for i, item := range items {
		payment, _ := item.(map[string]any)
		op.check(c, at("result", i)+".", payment)
	}
}

func checkIncoming(c *checker, path string, payment map[string]any) {
	_, isLimited := payment["incomingAmount"].(map[string]any)
	if isLimited && payment["receivedAmount"] != nil && assetOf(payment, "incomingAmount") != assetOf(payment, "receivedAmount") {
		c.fail(path+"incomingAmount", "the asset of receivedAmount", "another")
	}
}

func checkCreated(c *checker, path string, payment map[string]any) {
	checkIncoming(c, path, payment)
	if valueOf(payment, "receivedAmount") != 0 {
		c.fail(path+"receivedAmount.value", "0 of what was just created", "more")
	}
	if isTrue(payment["completed"]) {
		c.fail(path+"completed", "false of what was just created", "true")
	}
}

func checkCompleted(c *checker, path string, payment map[string]any) {
	checkIncoming(c, path, payment)
	if !isTrue(payment["completed"]) {
		c.fail(path+"completed", "true", "false")
	}
}

func checkOutgoing(c *checker, path string, payment map[string]any) {
	debit, sent := valueOf(payment, "debitAmount"), valueOf(payment, "sentAmount")
	switch {
	case assetOf(payment, "debitAmount") != assetOf(payment, "sentAmount"):
		c.fail(path+"sentAmount", "the asset of debitAmount", "another")
	case sent > debit:
		c.fail(path+"sentAmount.value", "no more than debitAmount.value", "more")
	case sent == debit && isTrue(payment["failed"]):
		c.fail(path+"failed", "false where everything was sent", "true")
	}
}

// isTrue tells true from every other value.
func isTrue(value any) bool {
	is, _ := value.(bool)
	return is
}

type asset struct {
	code  string
	scale float64
}

func assetOf(document map[string]any, name string) (a asset) {
	amount, _ := document[name].(map[string]any)
	a.code, _ = amount["assetCode"].(string)
	a.scale, _ = amount["assetScale"].(float64)
	return a
}

func valueOf(document map[string]any, name string) uint64 {
	amount, _ := document[name].(map[string]any)
	text, _ := amount["value"].(string)
	value, _ := strconv.ParseUint(text, 10, 64)
	return value
}
