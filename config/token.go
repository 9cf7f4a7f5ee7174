package config

import (
	"crypto/rand"
	"hash/crc32"
	"math/big"
	"strings"
)

const (
	tokenPrefix  = "oc_"
	tokenRandom  = 30 // base62 digits: 178 bits
	tokenCheck   = 6  // base62 digits: room for 32 bits
	base62Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// What names of tokens and of workspaces may be made of, for messages.
const (
	TokenNameRule = "up to 64 letters, digits and . _ @ - or space"
	WorkspaceRule = "up to 64 letters, digits and . _ @ -"
)

// ValidTokenName reports whether a token may have this name.
func ValidTokenName(s string) bool { return tokenNamePattern.MatchString(s) }

// ValidWorkspace reports whether a workspace may have this name.
func ValidWorkspace(s string) bool { return workspacePattern.MatchString(s) }

// NewToken returns a fresh random token: oc_, 30 random letters and digits, and 6 that are a checksum of the rest. The
// prefix lets secret scanners find a leaked one, the checksum tells a mistyped token from a foreign one without a
// request.
func NewToken() string {
	var b strings.Builder
	b.WriteString(tokenPrefix)
	for range tokenRandom {
		// crypto/rand never fails: it crashes the program rather than return less than random bytes.
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(base62Digits))))
		b.WriteByte(base62Digits[n.Int64()])
	}
	return b.String() + checksum(b.String())
}

// TokenLooksValid reports whether s has the form and the checksum of a token of [NewToken]. A token of another making
// is no less good; one that begins like ours and fails this has been mistyped or cut off.
func TokenLooksValid(s string) bool {
	if len(s) != len(tokenPrefix)+tokenRandom+tokenCheck || !strings.HasPrefix(s, tokenPrefix) {
		return false
	}
	body, sum := s[:len(s)-tokenCheck], s[len(s)-tokenCheck:]
	return checksum(body) == sum
}

// TokenLooksMistyped reports whether s begins as the gateway's own tokens do, and yet cannot be one.
func TokenLooksMistyped(s string) bool {
	return strings.HasPrefix(s, tokenPrefix) && !TokenLooksValid(s)
}

func checksum(s string) string {
	n := crc32.ChecksumIEEE([]byte(s))
	var digits [tokenCheck]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = base62Digits[n%62]
		n /= 62
	}
	return string(digits[:])
}
