// Command catalog writes the table of known models that package model embeds. It is run by go generate in its directory.
package main

import (
	"log"
	"os"
)

func main() {
	if err := os.WriteFile("catalog.txt", []byte(table()), 0o644); err != nil {
		log.Fatal(err)
	}
}
