package config

// ParseForTest is Load without the file, for the fuzz test, which would wear out the disk.
func ParseForTest(path string, data []byte, env Env) (*Config, []Problem) {
	return parse(path, data, env, nil)
}
