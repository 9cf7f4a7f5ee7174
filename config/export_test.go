package config

// ParseForTest is Load without the file, for the fuzz test, which would wear out the disk.
func ParseForTest(path string, data []byte, env Env) (*Config, []Problem) {
	return parse(path, data, env, nil)
}

// InsertForTest is AddToken without the file.
func InsertForTest(data []byte, t Token, env Env) ([]byte, error) {
	return insertToken("openclaw.yaml", data, t, env)
}

// RemoveForTest is RevokeToken without the file.
func RemoveForTest(data []byte, hash [32]byte, env Env) ([]byte, error) {
	return removeToken("openclaw.yaml", data, hash, env)
}
