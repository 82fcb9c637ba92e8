package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

// seedFlags say what a cloud image makes of itself. Files are read here, where the
// command is typed.
type seedFlags struct {
	seed     fusion.Seed
	keys     []string // files
	password string   // a file
}

func (f *seedFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.seed.User, "user", "", "who logs in to a cloud image (default: the image's own user)")
	flags.StringArrayVar(&f.keys, "ssh-key", nil, "a `FILE` with public SSH keys of that user; may be given several times")
	flags.StringVar(&f.password, "password-file", "", "a `FILE` whose first line is that user's password, for the console")
	flags.StringVar(&f.seed.Hostname, "hostname", "", "the machine's name for itself (default: NAME)")
	flags.StringSliceVar(&f.seed.Apps, "apps", nil, "`APPS` that are installed at the first start of Debian or Ubuntu, with a desktop for them: firefox,gimp")
	flags.StringVar(&f.seed.Locale, "locale", "", "its `LANGUAGE`, as in de_DE.UTF-8")
	flags.StringArrayVar(&f.seed.Addresses, "address", nil, "an `ADDRESS/PREFIX` of its network card, as in 192.0.2.5/24 (default: it asks DHCP)")
	flags.StringArrayVar(&f.seed.Gateways, "gateway", nil, "the `ADDRESS` of that network's gateway")
	flags.StringArrayVar(&f.seed.DNS, "dns", nil, "the `ADDRESS` of a name server; may be given several times")
	flags.StringArrayVar(&f.seed.Packages, "package", nil, "a `PACKAGE` that is installed at the first start; may be given several times")
}

// mostKeyFile bounds the files in bytes.
const mostKeyFile = 64 << 10

// read gives the seed, or nil when nothing of it was asked for.
func (f *seedFlags) read() (*fusion.Seed, error) {
	if f.seed.User == "" && f.seed.Hostname == "" && f.password == "" && f.seed.Locale == "" && len(f.keys)+len(f.seed.Packages)+len(f.seed.Apps)+len(f.seed.Addresses)+len(f.seed.Gateways)+len(f.seed.DNS) == 0 {
		return nil, nil
	}
	seed := f.seed
	for _, file := range f.keys {
		text, err := readSmall("--ssh-key", file)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				seed.SSHKeys = append(seed.SSHKeys, line)
			}
		}
	}
	if f.password != "" {
		var err error
		if seed.Password, err = passwordOf(f.password); err != nil {
			return nil, err
		}
	}
	return &seed, seed.Check()
}

// passwordOf reads the first line of the file of --password-file.
func passwordOf(file string) (string, error) {
	text, err := readSmall("--password-file", file)
	if err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(text, "\n")
	if first = strings.TrimSuffix(first, "\r"); first == "" {
		return "", &fusion.Error{Op: "--password-file", Path: file, Cause: fusion.ErrInvalid, Detail: "its first line is empty", Hint: "write the password there"}
	}
	return first, nil
}

func readSmall(flag, file string) (string, error) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > mostKeyFile {
		return "", &fusion.Error{Op: flag, Path: file, Cause: fusion.ErrInvalid, Detail: "the file is too large", Hint: "give a small file of text"}
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	return string(text), nil
}
