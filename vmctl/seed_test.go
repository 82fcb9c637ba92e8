package vmctl

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"

	"hither/fusion"
)

const aKey = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKj7Zk anna: "#home" {x} %y`

// TestSeedText: whatever Check lets through comes out of the YAML as it went in.
func TestSeedText(t *testing.T) {
	seed := fusion.Seed{User: "anna", SSHKeys: []string{aKey}, Password: "a: b # 'c\" {} 二", Packages: []string{"vim", "1.5", "yes"}, Hostname: "007"}
	ok(t, seed.Check())
	files := must(seedFiles("web", "u-1", "", seed))(t)
	if !strings.HasPrefix(string(files["user-data"]), "#cloud-config\n") {
		t.Errorf("user-data begins otherwise: %s", files["user-data"])
	}
	var user userData
	ok(t, yaml.Unmarshal(files["user-data"], &user))
	if user.User != "anna" || !slices.Equal(user.SSHKeys, seed.SSHKeys) || !slices.Equal(user.Packages, seed.Packages) || !user.Update || user.Hostname != "007" {
		t.Errorf("%+v of\n%s", user, files["user-data"])
	}
	// A word that YAML takes for a number or a truth is none to cloud-init either.
	var loose map[string]any
	ok(t, yaml.Unmarshal(files["user-data"], &loose))
	if loose["hostname"] != "007" || loose["packages"].([]any)[2] != "yes" {
		t.Errorf("%v", loose)
	}
	if strings.Contains(string(files["user-data"]), "二") || bcrypt.CompareHashAndPassword([]byte(user.Password), []byte(seed.Password)) != nil || user.Chpasswd == nil || user.Chpasswd.Expire {
		t.Errorf("the password: %s", files["user-data"])
	}
	var meta metaData
	ok(t, yaml.Unmarshal(files["meta-data"], &meta))
	if meta.InstanceID != "u-1" || meta.Hostname != "007" {
		t.Errorf("%+v", meta)
	}
	bare := must(seedFiles("Web_1.example", "u", "", fusion.Seed{}))(t)
	if got := string(bare["user-data"]); got != "#cloud-config\nhostname: web-1-example\nmanage_etc_hosts: localhost\n" {
		t.Errorf("of nothing: %q", got)
	}
}

// TestSeedCD reads a seed as a guest does.
func TestSeedCD(t *testing.T) {
	s := store(t, newFake())
	seed := fusion.Seed{User: "anna"}
	p := plan{spec: fusion.MachineSpec{Name: "web", Seed: &seed}, uuid: newUUID(), pool: s.config.pool()}
	p.nameDisks()
	ok(t, s.makeSeed(p))
	if left := inPool(t, s.config); !slices.Equal(left, []string{p.seed}) || !ownDisk(p.seed, p.uuid) || !madeName.MatchString(p.seed) {
		t.Errorf("the pool has %v", left)
	}
	path := filepath.Join(s.config.pool(), p.seed)
	if format, _, err := inspect(path); format != fusion.ISO || err != nil {
		t.Errorf("it is %q, %v", format, err)
	}
	f := must(os.Open(path))(t)
	defer f.Close()
	info := must(f.Stat())(t)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	cd := must(iso9660.Read(file.New(f, true), info.Size(), 0, 2048))(t)
	if strings.Trim(cd.Label(), "\x00 ") != seedLabel {
		t.Errorf("its label is %q", cd.Label())
	}
	for name, want := range map[string]string{"user-data": "user: anna\n", "meta-data": "instance-id: " + p.uuid + "\n"} {
		got := must(io.ReadAll(must(cd.OpenFile("/"+name, os.O_RDONLY))(t)))(t)
		if !strings.Contains(string(got), want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestSeedGoesWithItsMachine: it is in a drive of its own, and nobody else's.
func TestSeedGoesWithItsMachine(t *testing.T) {
	f := newFake()
	s := store(t, f)
	ok(t, s.Upload(t.Context(), "cd.iso", 4, strings.NewReader("disc")))
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "web", ISO: "cd.iso", Seed: &fusion.Seed{User: "anna"}}))(t)
	f.mu.Lock()
	d := f.all[m.UUID]
	f.mu.Unlock()
	seed := "web-" + head(m.UUID) + seedSuffix
	if !slices.Equal(d.ownDisks, []string{seed}) || !slices.Equal(d.drives, []string{"sda", "sdb"}) || len(d.inserted) != 2 || filepath.Base(d.inserted[1]) != seed {
		t.Errorf("%+v", d)
	}
	if pending(t, s) != 0 {
		t.Error("an intent stays")
	}
	ok(t, s.Remove(t.Context(), "web"))
	if left := inPool(t, s.config); !slices.Equal(left, []string{aboutName("cd.iso"), "cd.iso"}) {
		t.Errorf("the pool has %v", left)
	}
	f.refuses("define", &driverError{fusion.ErrInvalid, "no"})
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "web", Seed: &fusion.Seed{User: "anna"}})
	refused(t, err, fusion.ErrInvalid)
	if left := inPool(t, s.config); len(left) != 2 {
		t.Errorf("a failure left %v", left)
	}
}

func TestSeedIsInTheDefinition(t *testing.T) {
	p := plan{spec: fusion.MachineSpec{Name: "m", CPUs: 1, MemoryBytes: 64 << 20}, uuid: "u", kind: "qemu", pool: "/p", disks: []string{"one.qcow2"}, seed: "seed.iso"}
	info := must(parseDomain(string(must(xml.MarshalIndent(p.domain(), "", " "))(t))))(t)
	if !slices.Equal(info.inserted, []string{"/p/seed.iso"}) || !slices.Equal(info.ownDisks, []string{"one.qcow2", "seed.iso"}) || len(info.disks) != 1 {
		t.Errorf("%+v", info)
	}
}

// TestSeedNetwork: the card is told by its address, and a machine that asks DHCP is told
// nothing.
func TestSeedNetwork(t *testing.T) {
	seed := fusion.Seed{Addresses: []string{"192.0.2.5/24", "2001:db8::5/64"}, Gateways: []string{"192.0.2.1", "fe80::1"}, DNS: []string{"192.0.2.53"}}
	ok(t, seed.Check())
	var x netplan
	ok(t, yaml.Unmarshal(must(seedFiles("web", "u-1", "52:54:00:01:02:03", seed))(t)["network-config"], &x))
	card := x.Ethernets["nic0"]
	if x.Version != 2 || card.Match.MAC != "52:54:00:01:02:03" || card.DHCP4 || !slices.Equal(card.Addresses, seed.Addresses) ||
		!slices.Equal(card.Routes, []netplanRoute{{"0.0.0.0/0", "192.0.2.1"}, {"::/0", "fe80::1"}}) || !slices.Equal(card.Nameservers.Addresses, seed.DNS) {
		t.Errorf("%+v", x)
	}
	if _, there := must(seedFiles("web", "u-1", "", fusion.Seed{}))(t)["network-config"]; there {
		t.Error("a machine that asks DHCP is told of a network")
	}
	f := newFake()
	s := store(t, f)
	knowsKVM(s, false)
	ok(t, os.WriteFile(filepath.Join(s.config.pool(), "cd.iso"), make([]byte, 1024), 0o600))
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "web", ISO: "cd.iso", Seed: &seed}))(t)
	if text := f.textsOf(m.UUID).next; !strings.Contains(text, `<mac address="52:54:00:`) {
		t.Errorf("its card has an address of libvirt's: %s", text)
	}
}
