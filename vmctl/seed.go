package vmctl

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"

	"hither/fusion"
)

// A seed is a CD with the label cidata and two files that cloud-init reads when a
// machine starts for the first time
// (https://docs.cloudinit.io/en/latest/reference/datasources/nocloud.html). The network
// is left to the image: all of them ask DHCP.
const (
	seedSuffix = "-seed.iso"
	seedLabel  = "cidata"
)

// userData are cloud-init's words for a Seed
// (https://docs.cloudinit.io/en/latest/reference/modules.html). What user says is laid
// over the image's own user, which keeps its shell, groups and sudo.
type userData struct {
	Hostname    string    `yaml:"hostname"`
	ManageHosts string    `yaml:"manage_etc_hosts"`
	User        string    `yaml:"user,omitempty"`
	SSHKeys     []string  `yaml:"ssh_authorized_keys,omitempty"`
	Password    string    `yaml:"password,omitempty"` // a hash
	Chpasswd    *chpasswd `yaml:"chpasswd,omitempty"`
	Update      bool      `yaml:"package_update,omitempty"`
	Packages    []string  `yaml:"packages,omitempty"`

	Files []writtenFile `yaml:"write_files,omitempty"`
}

type chpasswd struct {
	Expire bool `yaml:"expire"`
}

type metaData struct {
	InstanceID string `yaml:"instance-id"`
	Hostname   string `yaml:"local-hostname"`
}

// seedFiles gives the files of a seed by their names.
func seedFiles(machine, uuid string, seed fusion.Seed) (map[string][]byte, error) {
	host := seed.Hostname
	if host == "" {
		host = fusion.HostnameFor(machine)
	}
	user := userData{Hostname: host, ManageHosts: "localhost", User: seed.User, SSHKeys: seed.SSHKeys, Packages: seedPackages(seed), Files: appFiles(seed)}
	user.Update = len(user.Packages) > 0
	if seed.Password != "" {
		hashed, err := bcrypt.GenerateFromPassword([]byte(seed.Password), bcrypt.DefaultCost)
		if err != nil {
			return nil, err
		}
		user.Password, user.Chpasswd = string(hashed), &chpasswd{}
	}
	userText, err := yamlText(user)
	metaText, failed := yamlText(metaData{uuid, host})
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	return map[string][]byte{"user-data": append([]byte("#cloud-config\n"), userText...), "meta-data": metaText}, nil
}

func yamlText(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	err := errors.Join(enc.Encode(v), enc.Close())
	return out.Bytes(), err
}

// makeSeed writes a machine's seed into the pool, whole or not at all. What it is made
// of lies in a directory that the next Open would sweep.
func (s *Store) makeSeed(p plan) error {
	files, err := seedFiles(p.spec.Name, p.uuid, *p.spec.Seed)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(p.pool, partial+"*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	tree, image := filepath.Join(work, "tree"), filepath.Join(work, "iso")
	if err := os.Mkdir(tree, 0o700); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(tree, name), text, 0o600); err != nil {
			return err
		}
	}
	if err := writeISO(image, tree, seedLabel); err != nil {
		return err
	}
	return os.Rename(image, filepath.Join(p.pool, p.seed))
}

// writeISO makes a CD of a directory, with the long names of both Rock Ridge and Joliet.
func writeISO(path, tree, label string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	cd, err := iso9660.Create(file.New(f, false), 0, 0, 2048, tree)
	if err != nil {
		return err
	}
	if err := cd.Finalize(iso9660.FinalizeOptions{RockRidge: true, Joliet: true, VolumeIdentifier: label}); err != nil {
		return err
	}
	return f.Sync()
}
