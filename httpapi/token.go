package httpapi

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// Token is a bearer secret that the API knows, by its hash only.
type Token struct {
	Name        string   // unique
	Hash        [32]byte // SHA-256 of the secret
	Workspace   string   // "" means [claw.DefaultWorkspace]
	Permissions []claw.Permission
	ChatLimit   claw.Limit // zero means 100 requests in 60 s
	ReadLimit   claw.Limit // zero means 1000 requests in 60 s
}

var (
	defaultChatLimit = claw.Limit{Requests: 100, Window: time.Minute}
	defaultReadLimit = claw.Limit{Requests: 1000, Window: time.Minute}
	// failureLimit is how many requests without a valid token an address may make.
	failureLimit = claw.Limit{Requests: 100, Window: time.Minute}
)

// tokenSet finds tokens by the hash of their secret. It never changes: a new configuration is a new set.
type tokenSet struct{ byHash map[[32]byte]*identity }

// identity is a token in the form that requests need it.
type identity struct {
	hash   [32]byte
	who    claw.Principal
	limits [numClasses]claw.Limit
	keys   [numClasses]string // the limiter's key, by class
}

// SetTokens replaces all tokens from the next request on. Requests that have been let in are not looked at again.
func (a *API) SetTokens(tokens []Token) error {
	set := &tokenSet{byHash: make(map[[32]byte]*identity, len(tokens))}
	names := make(map[string]bool, len(tokens))
	for _, t := range tokens {
		if t.Name == "" || names[t.Name] {
			return fmt.Errorf("httpapi: token %q: a token needs a name of its own", t.Name)
		}
		if other := set.byHash[t.Hash]; other != nil {
			return fmt.Errorf("httpapi: tokens %q and %q have the same secret", other.who.Name, t.Name)
		}
		names[t.Name] = true
		id := &identity{
			hash: t.Hash,
			who: claw.Principal{
				Name:        t.Name,
				Workspace:   cmp.Or(t.Workspace, claw.DefaultWorkspace),
				Permissions: t.Permissions,
			},
		}
		id.limits[chatClass], id.keys[chatClass] = cmp.Or(t.ChatLimit, defaultChatLimit), "chat:"+t.Name
		id.limits[readClass], id.keys[readClass] = cmp.Or(t.ReadLimit, defaultReadLimit), "read:"+t.Name
		set.byHash[t.Hash] = id
	}
	a.tokens.Store(set)
	return nil
}

// find returns whose secret it is, or nil. Neither the map nor the comparison sees the secret: how long they take can
// tell of its hash only, which is of no use for guessing it.
func (s *tokenSet) find(secret string) *identity {
	sum := sha256.Sum256([]byte(secret))
	id := s.byHash[sum]
	if id == nil || subtle.ConstantTimeCompare(id.hash[:], sum[:]) != 1 {
		return nil
	}
	return id
}

// bearer returns the secret of an Authorization header's value.
func bearer(value string) (secret string, ok bool) {
	scheme, rest, found := strings.Cut(value, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	secret = strings.TrimLeft(rest, " ")
	return secret, secret != "" && !strings.ContainsAny(secret, " \t")
}
