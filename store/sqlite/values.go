package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
)

// values are the columns of a row as the driver gives them.
type values []driver.Value

// Scan copies the columns into what dest points to. It knows the types that the store has in its schema and converts no
// others: a column of another type than its destination is a defect, and an error.
func (vs values) Scan(dest ...any) error {
	if len(dest) != len(vs) {
		return fmt.Errorf("a row of %d columns is read into %d places", len(vs), len(dest))
	}
	for i, v := range vs {
		if err := assign(dest[i], v); err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	return nil
}

func assign(dest any, v driver.Value) error {
	if to, ok := dest.(sql.Scanner); ok { // the types that can be NULL
		return to.Scan(v)
	}
	switch v := v.(type) {
	case int64:
		switch to := dest.(type) {
		case *int64:
			*to = v
			return nil
		case *int:
			*to = int(v)
			return nil
		case *bool:
			*to = v != 0
			return nil
		}
	case string:
		if to, ok := dest.(*string); ok {
			*to = v
			return nil
		}
		if to := reflect.ValueOf(dest).Elem(); to.Kind() == reflect.String { // a role, a status
			to.SetString(v)
			return nil
		}
	case []byte:
		if to, ok := dest.(*[]byte); ok {
			*to = v
			return nil
		}
	case nil:
		if to, ok := dest.(*[]byte); ok {
			*to = nil
			return nil
		}
	}
	return fmt.Errorf("a %T cannot be read into a %T", v, dest)
}
