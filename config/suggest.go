package config

import (
	"reflect"
	"slices"
	"strings"
)

// nearest returns the candidate that s was most likely meant to be, or "".
func nearest(s string, candidates []string) string {
	best, bestDistance := "", max(2, len(s)/3)+1
	for _, c := range candidates {
		if short, long := min(s, c), max(s, c); len(short) > 2 && strings.HasPrefix(long, short) { // warning, warn
			return c
		}
		if d := editDistance(strings.ToLower(s), strings.ToLower(c)); d < bestDistance && d < len(c) {
			best, bestDistance = c, d
		}
	}
	return best
}

// editDistance is Levenshtein's: the fewest single bytes to insert, delete or replace to make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// parentsOf lists where in the configuration a key is known, the places nearest to the root first. List items show as
// [], names of the user's choice as <name>.
func parentsOf(key string) []string {
	var found []string
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		switch t.Kind() {
		case reflect.Slice:
			walk(t.Elem(), path+"[]")
		case reflect.Map:
			walk(t.Elem(), join(path, "<name>"))
		case reflect.Struct:
			for _, f := range fieldsOf(t) {
				if f.key == key {
					found = append(found, path)
				}
				walk(t.Field(f.index).Type, join(path, f.key))
			}
		default: // a single value has no keys
		}
	}
	walk(reflect.TypeFor[Config](), "")
	slices.SortStableFunc(found, func(a, b string) int { return strings.Count(a, ".") - strings.Count(b, ".") })
	return found
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

type field struct {
	key   string
	index int
}

func fieldsOf(t reflect.Type) []field {
	var fs []field
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" && key != "-" {
			fs = append(fs, field{key, i})
		}
	}
	return fs
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for _, f := range fieldsOf(t) {
		keys = append(keys, f.key)
	}
	return keys
}
