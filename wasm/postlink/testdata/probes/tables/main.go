// Command tables encrypts with AES and signs with P-256, whose tables have moved with the functions that read them (golang.Tables).
package main

import (
	"crypto/aes"
	"crypto/ecdh"
	"encoding/hex"
)

func main() {
	block, err := aes.NewCipher([]byte("sixteen bytes...")) // with the key schedule
	if err != nil {
		panic(err)
	}
	text := []byte("a text of 16 b..")
	block.Encrypt(text, text)
	println(hex.EncodeToString(text))
	block.Decrypt(text, text)
	println(string(text))
	scalar := make([]byte, 32)
	scalar[31], scalar[7] = 5, 9
	key, err := ecdh.P256().NewPrivateKey(scalar)
	if err != nil {
		panic(err)
	}
	println(hex.EncodeToString(key.PublicKey().Bytes()))
}
