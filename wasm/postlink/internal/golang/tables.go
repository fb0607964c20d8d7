package golang

import (
	"fmt"
	"slices"
)

// Table is a constant of Go's standard library, known by its content.
type Table struct {
	Name string
	Head string // how it begins, in hexadecimal digits
	Size int    // in bytes
	Sum  string // SHA-256, in hexadecimal digits
}

// Tables are large constants that Go's linker keeps wherever their package is linked, though no function that runs reads them. They
// hardly compress, or not at all. They are static data, which lies by size: what stands between two of them is smaller
// than a word, and holds nothing.
var Tables = []Table{
	// Multiples of P-256's generator, of crypto/internal/fips140/nistec.
	{"nistec.p256PrecomputedEmbed", "3c14a918d430e779", 43 * 32 * 64, "a3a5d08c40939adb7c0e9e4f5b689721296130750ab4e38fe4543294c8dbbfe3"},
	// Of crypto/internal/fips140/aes.
	{"aes.te0", "a56363c6847c7cf8", 1024, "783fb0a44be7670eb6ec170cf7f16bb2b6f23f4964b87b60c4eb506c7c6a286d"},
	{"aes.te1", "6363c6a57c7cf884", 1024, "15a0e7628178b3fe6546e9b60f35e2b1c4864e020b16376866f38f72c74b45a9"},
	{"aes.te2", "63c6a5637cf8847c", 1024, "e8058399671d13082c35b6b3ce7f9e282507edd458ccfdd3bad9f35d90016f62"},
	{"aes.te3", "c6a56363f8847c7c", 1024, "09fdc69aa887ac8d36e0c8284c7b1d53e580e4880b72a67ff80d7e38317115d9"},
	{"aes.td0", "50a7f4515365417e", 1024, "0270bff41cb170c33c20788c368cb1b5a66b0fd0b98d638a827b783537583821"},
	{"aes.td1", "a7f4515065417e53", 1024, "4cf8dc711cd3210d673d86981355e2609233025ed22e4dc7a1f9b8e75ade35f4"},
	{"aes.td2", "f45150a7417e5365", 1024, "c40a9a77ee05e10af16da9d1781a2053159ea8570ada03637bb5fe3d076c9f89"},
	{"aes.td3", "5150a7f47e536541", 1024, "0f4764044bf2e91efefaf3d4f1e81c10a2b7f0f45305489925cfc01198cf45b5"},
	{"aes.sbox0", "637c777bf26b6fc5", 256, "c2d8e5eed6cbebd8625fc18f81486a7733c04f9b0129ffbe974c68b90308b4f2"},
	{"aes.sbox1", "52096ad53036a538", 256, "93631b0726f6fe6629daa743ee51b49f4477ed07391b68eeea0672a4a90018aa"},
	// Of the copies of golang.org/x/net/idna and golang.org/x/text/unicode that net/http has.
	{"idna.idnaSparseValues", "0000070005e18096", 8720, "e1dbc24c6a7d7e85284d5639c67acd82457a54ccd4e5e783b54b0980da051bc9"},
	{"norm.nfcSparseValues", "0000040000a1a8a8", 2920, "e58c6bbcaa34665464889a7fb19486d9b89f83786f0ed80417044a70e8568053"},
	{"norm.nfkcSparseValues", "02000d000100a0a0", 3676, "123c4767634674506cebb6f9935bb642f278046a622f5195e4e994ca6700c1b8"},
	{"bidi.bidiValues", "0b0b0b0b0b0b0b0b0b080708", 16576, "11cddd3d75fa25b4fc98365570b76910492a234e666d4816738d227ffe02d6a5"},
}

// TablesOf returns the Tables of these names.
func TablesOf(names []string) ([]Table, error) {
	var found []Table
	for _, name := range names {
		i := slices.IndexFunc(Tables, func(table Table) bool { return table.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no table %s is known", name)
		}
		found = append(found, Tables[i])
	}
	return found, nil
}
