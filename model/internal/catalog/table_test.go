package main

import (
	"os"
	"testing"
)

func TestTableIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../../catalog.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != table() {
		t.Error("catalog.txt is not what catwalk's data gives: run go generate in package model")
	}
}
