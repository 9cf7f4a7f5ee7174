package config

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed bootstrap.yaml.tmpl
var bootstrapTemplate string

var bootstrapFile = template.Must(template.New("bootstrap").Parse(bootstrapTemplate))

// BootstrapTokenName is the name of the token that [Bootstrap] makes.
const BootstrapTokenName = "default"

// Bootstrap writes the first configuration to path, with a fresh token that may do everything, and returns that token.
// The file says what else can be set. It is readable by its owner only, as is its folder, and appears whole or not at
// all. A file that is there already stays as it is: the error is then [fs.ErrExist].
//
// It names no model on purpose: which one answers is decided at each start while models.default is unset, so a key put
// into the environment later is found, and one that is gone does not keep the gateway from starting.
func Bootstrap(path string) (token string, err error) {
	token = NewToken()
	var text bytes.Buffer
	if err := bootstrapFile.Execute(&text, map[string]string{"Name": BootstrapTokenName, "Token": token}); err != nil {
		return "", fmt.Errorf("cannot compose the configuration: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("cannot make the folder for the configuration: %w", err)
	}
	temp, err := writeTemp(dir, text.Bytes())
	if err != nil {
		return "", fmt.Errorf("cannot write the configuration: %w", err)
	}
	defer func() { _ = os.Remove(temp) }() // where it was renamed, nothing is left to remove
	// A link, unlike a rename, never replaces what another start has written in the meantime.
	switch err := os.Link(temp, path); {
	case err == nil:
		return token, nil
	case errors.Is(err, fs.ErrExist):
		return "", err
	}
	// There are file systems without links. Between look and rename another start could come, a race worth having
	// there only.
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	if err := os.Rename(temp, path); err != nil {
		return "", fmt.Errorf("cannot write the configuration: %w", err)
	}
	return token, nil
}

// replaceFile gives path new content, whole or not at all, readable by its owner only.
func replaceFile(path string, data []byte) error {
	// A rename onto a symbolic link would put a file in the link's place and leave its target as it was.
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	temp, err := writeTemp(filepath.Dir(target), data)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, target); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

// writeTemp writes a file of mode 0600 and makes it durable, so that a rename never exposes a part of it.
func writeTemp(dir string, data []byte) (name string, err error) {
	f, err := os.CreateTemp(dir, ".openclaw-*.yaml")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}
