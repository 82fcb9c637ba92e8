// Package seed tells a new system what it needs to know at its first start: its name, its
// user, keys, packages, addresses and apps. A cloud image reads it from a CD for cloud-init
// (Files, WriteCD); an installer that is to install by itself is found on its own CD
// (FindInstaller) and told in its own words (Installation).
//
// An installer's CD is not trusted: what is taken from it is bounded, and a broken one is
// refused. What is told has passed fusion.Seed.Check.
package seed

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
	"go.yaml.in/yaml/v3"

	"hither/fusion"
)

// Label is that of a seed, a CD with two files that cloud-init reads when a
// machine starts for the first time
// (https://docs.cloudinit.io/en/latest/reference/datasources/nocloud.html). The network
// is left to the image, which asks DHCP, unless it is told addresses.
const Label = "cidata"

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
	Locale      string    `yaml:"locale,omitempty"`
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

// Files gives the files of a seed by their names.
func Files(machine, uuid, mac string, seed fusion.Seed) (map[string][]byte, error) {
	host := seed.Hostname
	if host == "" {
		host = fusion.HostnameFor(machine)
	}
	user := userData{Locale: seed.Locale, Hostname: host, ManageHosts: "localhost", User: seed.User, SSHKeys: seed.SSHKeys, Packages: packages(seed), Files: appFiles(seed)}
	user.Update = len(user.Packages) > 0
	hash, err := Hash(seed.Password)
	if err != nil {
		return nil, err
	}
	if hash != "" {
		user.Password, user.Chpasswd = hash, &chpasswd{}
	}
	userText, err := yamlText(user)
	metaText, failed := yamlText(metaData{uuid, host})
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	files := map[string][]byte{"user-data": append([]byte("#cloud-config\n"), userText...), "meta-data": metaText}
	if len(seed.Addresses) > 0 {
		files["network-config"], err = networkConfig(mac, seed)
	}
	return files, err
}

// netplan are cloud-init's words for a network, version 2
// (https://docs.cloudinit.io/en/latest/reference/network-config-format-v2.html).
type netplan struct {
	Version   int                    `yaml:"version"`
	Ethernets map[string]netplanCard `yaml:"ethernets"`
}

type netplanCard struct {
	Match struct {
		MAC string `yaml:"macaddress"`
	} `yaml:"match"`
	DHCP4       bool           `yaml:"dhcp4"`
	DHCP6       bool           `yaml:"dhcp6"`
	Addresses   []string       `yaml:"addresses"`
	Routes      []netplanRoute `yaml:"routes,omitempty"`
	Nameservers struct {
		Addresses []string `yaml:"addresses,omitempty"`
	} `yaml:"nameservers,omitempty"`
}

type netplanRoute struct {
	To  string `yaml:"to"`
	Via string `yaml:"via"`
}

// networkConfig gives the card with a MAC its addresses. Default routes are written as
// networks, which all releases of cloud-init know.
func networkConfig(mac string, seed fusion.Seed) ([]byte, error) {
	card := netplanCard{Addresses: seed.Addresses}
	card.Match.MAC, card.Nameservers.Addresses = mac, seed.DNS
	for _, gateway := range seed.Gateways {
		to := "0.0.0.0/0"
		if strings.Contains(gateway, ":") {
			to = "::/0"
		}
		card.Routes = append(card.Routes, netplanRoute{to, gateway})
	}
	return yamlText(netplan{2, map[string]netplanCard{"nic0": card}})
}

func yamlText(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	err := errors.Join(enc.Encode(v), enc.Close())
	return out.Bytes(), err
}

// WriteCD makes a CD with a label of files by their names, whole or not at all. What it
// is made of lies beside it meanwhile, in a directory named by a pattern (os.MkdirTemp).
func WriteCD(path, pattern, label string, files map[string][]byte) error {
	work, err := os.MkdirTemp(filepath.Dir(path), pattern)
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
	if err := WriteISO(image, tree, label); err != nil {
		return err
	}
	return os.Rename(image, path)
}

// WriteISO makes a CD of a directory, with the long names of both Rock Ridge and Joliet.
func WriteISO(path, tree, label string) (err error) {
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
