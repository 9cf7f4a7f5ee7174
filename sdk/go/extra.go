package openclaw

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"sync"
)

// Extra holds the fields of an answer that this version of the SDK does not know, by their names on the wire. It is
// nil where there are none. Encoding a value to JSON writes them back.
type Extra map[string]json.RawMessage

// unmarshalExtra decodes data into the struct that v points at, which must have no methods of its own, and returns the
// fields that it has no place for.
func unmarshalExtra(data []byte, v any) (Extra, error) {
	if err := json.Unmarshal(data, v); err != nil {
		return nil, err
	}
	var extra Extra
	if err := json.Unmarshal(data, &extra); err != nil {
		return nil, err
	}
	known := knownFields(reflect.TypeOf(v).Elem())
	maps.DeleteFunc(extra, func(name string, _ json.RawMessage) bool { return known[name] })
	if len(extra) == 0 {
		return nil, nil
	}
	return extra, nil
}

func marshalExtra(v any, extra Extra) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return data, err
	}
	all := maps.Clone(extra)
	if err := json.Unmarshal(data, &all); err != nil { // fields that are known win
		return nil, err
	}
	return json.Marshal(all)
}

var knownFieldsCache sync.Map // of reflect.Type to map[string]bool

func knownFields(t reflect.Type) map[string]bool {
	if m, ok := knownFieldsCache.Load(t); ok {
		return m.(map[string]bool)
	}
	known := map[string]bool{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		known[name] = true
	}
	knownFieldsCache.Store(t, known)
	return known
}
