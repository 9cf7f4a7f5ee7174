package httpapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// Token is a bearer secret that the API knows, by its hash only.
type Token struct {
	Name        string   // at most two tokens share one, while one replaces the other; they share their limits, too
	Hash        [32]byte // SHA-256 of the secret
	Workspace   string   // "" means [claw.DefaultWorkspace]
	Permissions []claw.Permission
	ChatLimit   claw.Limit // zero means 100 requests in 60 s
	ReadLimit   claw.Limit // zero means 1000 requests in 60 s
	ExpiresAt   time.Time  // zero means never
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
	hash    [32]byte
	who     claw.Principal
	limits  [numClasses]claw.Limit
	keys    [numClasses]string // the limiter's key, by class
	expires time.Time          // zero: never
	expiry  *time.Timer        // ends the lease; nil where the token never expires
	lease   *lease
}

// lease is how long what a token has opened may stay open. It passes from one policy to the next for as long as the token
// may do all that it could.
type lease struct {
	context.Context
	end context.CancelCauseFunc
}

// newTokenSet takes the leases of tokens that go on from the set that it replaces, which may be nil.
func newTokenSet(tokens []Token, old *tokenSet) (*tokenSet, error) {
	set := &tokenSet{byHash: make(map[[32]byte]*identity, len(tokens))}
	names := make(map[string]int, len(tokens))
	for _, t := range tokens {
		if names[t.Name]++; t.Name == "" || names[t.Name] > 2 {
			return nil, fmt.Errorf("httpapi: token %q: a token needs a name, and at most two may share one", t.Name)
		}
		if other := set.byHash[t.Hash]; other != nil {
			return nil, fmt.Errorf("httpapi: tokens %q and %q have the same secret", other.who.Name, t.Name)
		}
		id := &identity{
			hash: t.Hash,
			who: claw.Principal{
				Name:        t.Name,
				Workspace:   cmp.Or(t.Workspace, claw.DefaultWorkspace),
				Permissions: t.Permissions,
			},
			expires: t.ExpiresAt,
		}
		id.limits[chatClass], id.keys[chatClass] = cmp.Or(t.ChatLimit, defaultChatLimit), "chat:"+t.Name
		id.limits[readClass], id.keys[readClass] = cmp.Or(t.ReadLimit, defaultReadLimit), "read:"+t.Name
		set.byHash[t.Hash] = id
	}
	for hash, id := range set.byHash { // only now that nothing can fail any more
		id.begin(old.at(hash))
	}
	return set, nil
}

// begin gives the identity its lease: that of the identity that it replaces, where it may do all that was allowed then.
func (id *identity) begin(old *identity) {
	if old != nil && old.lease.Err() == nil && id.includes(old.who) {
		id.lease = old.lease
	} else {
		ctx, end := context.WithCancelCause(context.Background())
		id.lease = &lease{ctx, end}
	}
	if !id.expires.IsZero() {
		id.expiry = time.AfterFunc(time.Until(id.expires), func() { id.lease.end(errBadToken) })
	}
}

// includes reports whether the identity may do all that who may.
func (id *identity) includes(who claw.Principal) bool {
	return id.who.Name == who.Name && id.who.Workspace == who.Workspace &&
		!slices.ContainsFunc(who.Permissions, func(p claw.Permission) bool { return !id.who.May(p) })
}

// endExcept ends the leases that did not pass to next, and all timers.
func (s *tokenSet) endExcept(next *tokenSet) {
	if s == nil {
		return
	}
	for hash, id := range s.byHash {
		if id.expiry != nil {
			id.expiry.Stop()
		}
		if heir := next.at(hash); heir == nil || heir.lease != id.lease {
			id.lease.end(errBadToken)
		}
	}
}

// at returns the identity with that hash, or nil.
func (s *tokenSet) at(hash [32]byte) *identity {
	if s == nil {
		return nil
	}
	return s.byHash[hash]
}

// find returns whose secret it is, or nil. An expired token's owner is found, too: the caller refuses it like any other,
// but can say in the records whose it was. Neither the map nor the comparison sees the secret: how long they take can
// tell of its hash only, which is of no use for guessing it.
func (s *tokenSet) find(secret string) *identity {
	sum := sha256.Sum256([]byte(secret))
	id := s.byHash[sum]
	if id == nil || subtle.ConstantTimeCompare(id.hash[:], sum[:]) != 1 {
		return nil
	}
	return id
}

func (id *identity) expired() bool { return !id.expires.IsZero() && !time.Now().Before(id.expires) }

// bearer returns the secret of an Authorization header's value.
func bearer(value string) (secret string, ok bool) {
	scheme, rest, found := strings.Cut(value, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	secret = strings.TrimLeft(rest, " ")
	return secret, secret != "" && !strings.ContainsAny(secret, " \t")
}
