package seed

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"

	"hither/fusion"
	"hither/internal/expect"
)

const aKey = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKj7Zk anna: "#home" {x} %y`

// TestSeedText: whatever Check lets through comes out of the YAML as it went in.
func TestSeedText(t *testing.T) {
	seed := fusion.Seed{User: "anna", SSHKeys: []string{aKey}, Password: "a: b # 'c\" {} 二", Packages: []string{"vim", "1.5", "yes"}, Hostname: "007"}
	expect.OK(t, seed.Check())
	files := expect.Must(Files("web", "u-1", "", seed))(t)
	if !strings.HasPrefix(string(files["user-data"]), "#cloud-config\n") {
		t.Errorf("user-data begins otherwise: %s", files["user-data"])
	}
	var user userData
	expect.OK(t, yaml.Unmarshal(files["user-data"], &user))
	if user.User != "anna" || !slices.Equal(user.SSHKeys, seed.SSHKeys) || !slices.Equal(user.Packages, seed.Packages) || !user.Update || user.Hostname != "007" {
		t.Errorf("%+v of\n%s", user, files["user-data"])
	}
	// A word that YAML takes for a number or a truth is none to cloud-init either.
	var loose map[string]any
	expect.OK(t, yaml.Unmarshal(files["user-data"], &loose))
	if loose["hostname"] != "007" || loose["packages"].([]any)[2] != "yes" {
		t.Errorf("%v", loose)
	}
	if strings.Contains(string(files["user-data"]), "二") || bcrypt.CompareHashAndPassword([]byte(user.Password), []byte(seed.Password)) != nil || user.Chpasswd == nil || user.Chpasswd.Expire {
		t.Errorf("the password: %s", files["user-data"])
	}
	var meta metaData
	expect.OK(t, yaml.Unmarshal(files["meta-data"], &meta))
	if meta.InstanceID != "u-1" || meta.Hostname != "007" {
		t.Errorf("%+v", meta)
	}
	bare := expect.Must(Files("Web_1.example", "u", "", fusion.Seed{}))(t)
	if got := string(bare["user-data"]); got != "#cloud-config\nhostname: web-1-example\nmanage_etc_hosts: localhost\n" {
		t.Errorf("of nothing: %q", got)
	}
}

// TestSeedNetworkConfig: the card is told by its address, and a machine that asks DHCP is told
// nothing.
func TestSeedNetworkConfig(t *testing.T) {
	seed := fusion.Seed{Addresses: []string{"192.0.2.5/24", "2001:db8::5/64"}, Gateways: []string{"192.0.2.1", "fe80::1"}, DNS: []string{"192.0.2.53"}}
	expect.OK(t, seed.Check())
	var x netplan
	expect.OK(t, yaml.Unmarshal(expect.Must(Files("web", "u-1", "52:54:00:01:02:03", seed))(t)["network-config"], &x))
	card := x.Ethernets["nic0"]
	if x.Version != 2 || card.Match.MAC != "52:54:00:01:02:03" || card.DHCP4 || !slices.Equal(card.Addresses, seed.Addresses) ||
		!slices.Equal(card.Routes, []netplanRoute{{"0.0.0.0/0", "192.0.2.1"}, {"::/0", "fe80::1"}}) || !slices.Equal(card.Nameservers.Addresses, seed.DNS) {
		t.Errorf("%+v", x)
	}
	if _, there := expect.Must(Files("web", "u-1", "", fusion.Seed{}))(t)["network-config"]; there {
		t.Error("a machine that asks DHCP is told of a network")
	}
}
