package config

import "slices"

// RestartNeeded lists what differs between two configurations and takes effect with the next start only, as paths.
func RestartNeeded(old, new *Config) []string {
	var paths []string
	for path, same := range map[string]bool{
		"server.host":   old.Server.Host == new.Server.Host,
		"server.port":   old.Server.Port == new.Server.Port,
		"server.tls":    old.Server.TLS.Enabled() == new.Server.TLS.Enabled(),
		"storage.path":  old.Storage.Path == new.Storage.Path,
		"audit.enabled": old.Audit.Enabled == new.Audit.Enabled,
		"audit.path":    old.Audit.Path == new.Audit.Path,
		"debug.pprof":   old.Debug == new.Debug,
		"log.format":    old.Log.Format == new.Log.Format,
	} {
		if !same {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}
