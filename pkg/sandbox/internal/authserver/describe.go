package authserver

import (
	"net/url"
	"path"
	"strings"
	"unicode"
)

// right is one thing that a client asks for, in words for the person who decides.
type right struct {
	Text    string
	Details []string
}

// describeRights returns what a client asks for. All words of the client in it are plain.
func describeRights(request *grantRequest) []right {
	var rights []right
	for _, a := range request.access {
		rights = append(rights, a.describe().plain())
	}
	if request.subject != nil {
		rights = append(rights, right{Text: "know that you are " + request.subject.SubIDs[0].ID}.plain())
	}
	return rights
}

func (r right) plain() right {
	plain := right{Text: plainText(r.Text)}
	for _, detail := range r.Details {
		plain.Details = append(plain.Details, plainText(detail))
	}
	return plain
}

// maxConsentText is how many characters a person is shown of one thing.
const maxConsentText = 200

// plainText returns a text that looks like what it is: what changes the direction of writing, cannot be seen or breaks
// the line is replaced, and the text is cut where it is too long to be read.
func plainText(text string) string {
	var plain strings.Builder
	length := 0
	for _, char := range text {
		if length == maxConsentText {
			return plain.String() + "…"
		}
		length++
		if !unicode.IsPrint(char) || unicode.In(char, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			char = unicode.ReplacementChar
		}
		plain.WriteRune(char)
	}
	return plain.String()
}

func (a access) describe() right {
	var r right
	switch a.Type {
	case "outgoing-payment":
		r.Text = describeSpending(a.Limits) + " from " + walletName(a.Identifier)
		r.Details = describeLimits(a.Limits)
	case "incoming-payment":
		r.Text = "use incoming payments"
		if a.Identifier != "" {
			r.Text += " of " + walletName(a.Identifier)
		}
	default:
		r.Text = "use quotes"
	}
	if a.Identifier != "" {
		r.Details = append(r.Details, "wallet address: "+a.Identifier)
	}
	r.Details = append(r.Details, "actions: "+strings.Join(a.Actions, ", "))
	return r
}

func describeSpending(l *limits) string {
	switch {
	case l != nil && l.DebitAmount != nil:
		return "send up to " + l.DebitAmount.String()
	case l != nil && l.ReceiveAmount != nil:
		return "send as much as it takes for the receiver to get " + l.ReceiveAmount.String()
	default:
		return "send any amount"
	}
}

func describeLimits(l *limits) []string {
	var details []string
	if l == nil {
		return nil
	}
	if l.Receiver != "" {
		details = append(details, "only to "+l.Receiver)
	}
	if l.Interval != "" {
		details = append(details, "again in every interval of "+l.Interval)
	}
	return details
}

// String returns the amount as people write it: "5.00 USD".
func (a amount) String() string {
	digits, scale := a.Value, int(*a.AssetScale)
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	return digits + " " + a.AssetCode
}

// walletName is the last part of a wallet address.
func walletName(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		return address
	}
	return path.Base(u.Path)
}
