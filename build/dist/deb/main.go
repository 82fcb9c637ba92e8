// Command deb makes a Debian package from an nfpm configuration, whose ${NAMES} are of the
// environment. It is nfpm without its other formats, some of whose modules no proxy has. Of the
// same files, at the same SOURCE_DATE_EPOCH, it makes the same bytes.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: deb CONFIG.yaml DIR")
		os.Exit(2)
	}
	name, err := run(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "deb:", err)
		os.Exit(1)
	}
	fmt.Println(name)
}

func run(config, dir string) (name string, err error) {
	cfg, err := nfpm.ParseFileWithEnvMapping(config, os.Getenv)
	if err != nil {
		return "", err
	}
	info, err := cfg.Get("deb")
	if err != nil {
		return "", err
	}
	info = nfpm.WithDefaults(info)
	if err := nfpm.Validate(info); err != nil {
		return "", err
	}
	name = filepath.Join(dir, deb.Default.ConventionalFileName(info))
	f, err := os.Create(name + ".part")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil { // a part of a package is of no use
			err = errors.Join(err, os.Remove(name+".part"))
		}
	}()
	if err := errors.Join(deb.Default.Package(info, f), f.Close()); err != nil {
		return "", err
	}
	return name, os.Rename(name+".part", name)
}
