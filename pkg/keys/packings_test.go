package keys

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// packing is one form of the key of testdata/packings.json, which the tests in browsers read too.
type packing struct {
	Text   *string
	Base64 []byte
	Kid    string
}

type packingTable struct {
	Seed, Public string
	Packings     map[string]packing
}

func (p packing) parse() (PrivateKey, error) {
	if p.Text != nil {
		return ParseText([]byte(*p.Text))
	}
	return ParseBytes(bytes.Clone(p.Base64))
}

func TestEveryPackingIsTaken(t *testing.T) {
	var table packingTable
	readJSON(t, "packings.json", &table)
	if table.Seed != hex.EncodeToString(testSeed) || table.Public != hex.EncodeToString(testPublic) || len(table.Packings) < 150 {
		t.Fatalf("another key, or %d packings", len(table.Packings))
	}
	for name, p := range table.Packings {
		t.Run(name, func(t *testing.T) {
			key, err := p.parse()
			if err != nil {
				t.Fatal(err)
			}
			if !key.Equal(testKey) || key.ID != p.Kid {
				t.Errorf("another key, or the id %q", key.ID)
			}
			if p.Text == nil {
				return
			}
			if key, err := ParseBytes([]byte(*p.Text)); err != nil || !key.Equal(testKey) || key.ID != p.Kid {
				t.Errorf("as bytes: %v", err)
			}
		})
	}
}
