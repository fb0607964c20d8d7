package keys

import "bytes"

const (
	begin  = "-----BEGIN"
	end    = "-----END"
	dashes = "-----"

	anyPEM       = `one PEM block of type "PRIVATE KEY"`
	damagedPEM   = "PEM that is damaged or cut off"
	encryptedKey = "an encrypted private key; decrypt it first, for example with openssl pkey"
	openSSH      = "an OpenSSH private key, which ssh-keygen -p -m PKCS8 leaves as it is: convert it with load_ssh_private_key " +
		"and private_bytes of Python's cryptography, or make a new key with openssl genpkey -algorithm ed25519"
)

// pemTypes are the types that are refused in words of their own, without the spaces in them.
var pemTypes = map[string]string{
	"ENCRYPTEDPRIVATEKEY":     encryptedKey,
	"PUBLICKEY":               "a public key",
	"CERTIFICATE":             "a certificate",
	"RSAPRIVATEKEY":           "an RSA private key",
	"RSAPUBLICKEY":            "a public key",
	"ECPRIVATEKEY":            "an elliptic curve (ECDSA) private key",
	"DSAPRIVATEKEY":           "a DSA private key",
	"OPENSSHPRIVATEKEY":       openSSH,
	"SSH2ENCRYPTEDPRIVATEKEY": "an SSH private key; make a new key with openssl genpkey -algorithm ed25519",
}

// readPEM reads the one block in a text, whatever stands around it and wherever its lines break
// (RFC 7468 §2 allows more than one block, and text around them). It works in place, where
// encoding/pem copies and insists on lines.
func readPEM(text []byte) (Material, error) {
	if bytes.Count(text, []byte(begin)) > 1 {
		return Material{}, unusable(anyPEM, "more than one")
	}
	_, block, _ := bytes.Cut(text, []byte(begin))
	block = plain(block)
	kind, rest, isOpen := bytes.Cut(block, []byte(dashes))
	body, closing, isClosed := bytes.Cut(rest, []byte(end))
	closing, _, isWhole := bytes.Cut(closing, []byte(dashes))
	kind = withoutSpace(kind)
	if !isOpen || !isClosed || !isWhole || !bytes.Equal(kind, withoutSpace(closing)) {
		return Material{}, unusable(anyPEM, damagedPEM)
	}
	if found, known := pemTypes[string(kind)]; known {
		return Material{}, unusable(anyPEM, found)
	}
	if string(kind) != "PRIVATEKEY" {
		return Material{}, unusable(anyPEM, "another type")
	}
	if bytes.Contains(body, []byte("ENCRYPTED")) { // Proc-Type of RFC 1421 §4.6.1.1; no base64 of ours holds the word
		return Material{}, unusable(anyPEM, encryptedKey)
	}
	decoded, ok := decodeBase64(withoutSpace(withoutHeaders(body)))
	defer clear(decoded)
	if !ok {
		return Material{}, unusable(anyPEM, damagedPEM)
	}
	return readPKCS8(decoded)
}

// withoutHeaders removes, in place, the lines that hold a colon, which base64 does not.
func withoutHeaders(body []byte) []byte {
	out := body[:0]
	for line := range bytes.Lines(body) {
		if !bytes.ContainsRune(line, ':') {
			out = append(out, line...)
		}
	}
	return out
}
