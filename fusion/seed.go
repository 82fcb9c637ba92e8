package fusion

import (
	"encoding/base64"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Seed is what a cloud image makes of itself when it starts for the first time
// (cloud-init, https://docs.cloudinit.io/en/latest/reference/datasources/nocloud.html).
// Zero values leave the image's own.
type Seed struct {
	// User is who logs in; default: the image's own user.
	User string `json:"user,omitempty"`
	// SSHKeys are public keys of User, one line each, as in authorized_keys.
	SSHKeys []string `json:"sshKeys,omitempty"`
	// Password is User's, for the console; "" is none. Of it only a hash reaches a
	// disk.
	Password string `json:"-"`
	// Hostname is default the machine's name, as far as a host name can be that.
	Hostname string `json:"hostname,omitempty"`
	// Packages are installed at the first start.
	Packages []string `json:"packages,omitempty"`
	// Apps are installed at the first start by the names of their packages, with a desktop
	// on which User is logged in and the guest agent, so that Apps can list and run them.
	// Machine.Installing names those that are not there yet. Debian and Ubuntu take them.
	Apps []string `json:"apps,omitempty"`
	// Locale is its language, as in "de_DE.UTF-8"; default: the image's own, or English.
	Locale string `json:"locale,omitempty"`
	// Addresses are those of its network card, with their prefixes, as "192.0.2.5/24";
	// none asks DHCP. Gateways and DNS go with them: one gateway of each kind of address.
	Addresses []string `json:"addresses,omitempty"`
	Gateways  []string `json:"gateways,omitempty"`
	DNS       []string `json:"dns,omitempty"`
}

// MostApps is how many apps a Seed has at most.
const MostApps = 32

var locale = regexp.MustCompile(`^[a-z]{2,3}_[A-Z]{2}(\.UTF-8)?$`)

const (
	maxKeys     = 32
	maxKey      = 16 << 10 // bytes
	maxPackages = 100
	// maxPassword is what bcrypt takes, in bytes.
	maxPassword = 72
)

// Check returns an error with cause ErrInvalid for what no system takes.
func (s Seed) Check() error {
	bad := func(path, detail, hint string) error {
		return &Error{Op: "seed", Path: path, Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	switch {
	case s.User != "" && !isUser(s.User):
		return bad(clip(s.User), "no system takes this user name", "a user name has 1 to 32 small letters, digits, - and _, and begins with a letter")
	case s.User == "root":
		return bad(s.User, "cloud images let nobody log in as root", "choose another user; it may become root with sudo")
	case s.Hostname != "" && !isHostname(s.Hostname):
		return bad(clip(s.Hostname), "it is no host name", "a host name has 1 to 63 letters, digits and -")
	case len(s.Password) > maxPassword || !utf8.ValidString(s.Password) || strings.ContainsFunc(s.Password, isControl):
		return bad("", "it is no password that can be typed", "a password has at most 72 bytes, and no line breaks")
	case s.Locale != "" && !locale.MatchString(s.Locale):
		return bad(clip(s.Locale), "it is no locale", "a locale is a language and a country, as in de_DE.UTF-8")
	case len(s.SSHKeys) > maxKeys || len(s.Packages) > maxPackages:
		return bad("", "too many keys or packages", "give at most 32 keys and 100 packages")
	}
	if err := s.checkNetwork(bad); err != nil {
		return err
	}
	for _, key := range s.SSHKeys {
		if err := checkKey(key); err != nil {
			return err
		}
	}
	if len(s.Apps) > MostApps {
		return bad("", "too many apps", "give at most 32 apps; the others can be installed in it")
	}
	for _, name := range slices.Concat(s.Packages, s.Apps) {
		if err := CheckPackage(name); err != nil {
			return err
		}
	}
	return nil
}

// CheckPackage returns an error with cause ErrInvalid for what is no name of a package.
func CheckPackage(name string) error {
	if isPackage(name) {
		return nil
	}
	return &Error{Op: "seed", Path: clip(name), Cause: ErrInvalid, Detail: "it is no package name", Hint: "a package name has letters, digits and . + - _ :"}
}

// maxAddresses bounds each list of addresses.
const maxAddresses = 8

func (s Seed) checkNetwork(bad func(path, detail, hint string) error) error {
	if len(s.Addresses) > maxAddresses || len(s.Gateways) > 2 || len(s.DNS) > maxAddresses {
		return bad("", "too many addresses", "give at most 8 addresses, 8 name servers and 2 gateways")
	}
	var nets []netip.Prefix
	for _, text := range s.Addresses {
		p, err := netip.ParsePrefix(text)
		if err != nil || !p.Addr().IsGlobalUnicast() {
			return bad(clip(text), "it is no address with its prefix", "give it as 192.0.2.5/24 or 2001:db8::5/64")
		}
		nets = append(nets, p)
	}
	if len(nets) == 0 && len(s.Gateways)+len(s.DNS) > 0 {
		return bad("", "a gateway and name servers need an address", "give one, as in --address 192.0.2.5/24; without any it asks DHCP")
	}
	for i, text := range slices.Concat(s.Gateways, s.DNS) {
		a, err := netip.ParseAddr(text)
		switch {
		case err != nil || a.Zone() != "":
			return bad(clip(text), "it is no address", "give it as 192.0.2.1 or 2001:db8::1")
		case i < len(s.Gateways) && !a.IsLinkLocalUnicast() && !slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(a) }):
			return bad(text, "the gateway is on none of the networks of its addresses", "see that the prefix of the address is right")
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func only(text, letters string) bool { return strings.Trim(text, letters) == "" }

const small, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"

var letters = small + strings.ToUpper(small)

func isUser(name string) bool {
	return len(name) <= 32 && strings.Contains(small+"_", name[:1]) && only(name, small+digits+"-_")
}

func isHostname(name string) bool {
	return len(name) <= 63 && only(name, letters+digits+"-") && name[0] != '-' && name[len(name)-1] != '-'
}

func isPackage(name string) bool {
	return name != "" && len(name) <= 128 && only(name, letters+digits+".+-_:") && name[0] != '-'
}

// keyTypes begin the lines of public keys (sshd(8), AUTHORIZED_KEYS).
var keyTypes = []string{"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"}

// checkKey takes one public key without options: "ssh-ed25519 AAAA… comment".
func checkKey(line string) error {
	parts := strings.Fields(line)
	sound := len(line) <= maxKey && utf8.ValidString(line) && !strings.ContainsFunc(line, isControl) && len(parts) >= 2 && slices.Contains(keyTypes, parts[0])
	if sound {
		_, err := base64.StdEncoding.DecodeString(parts[1])
		sound = err == nil
	}
	switch {
	case sound:
		return nil
	case strings.Contains(line, "PRIVATE KEY"):
		return &Error{Op: "seed", Cause: ErrInvalid, Detail: "that is the private half of a key, which stays with its owner",
			Hint: "give the public half, the file that ends in .pub"}
	}
	return &Error{Op: "seed", Path: clip(line), Cause: ErrInvalid, Detail: "it is no public SSH key",
		Hint: "give the line of a file such as ~/.ssh/id_ed25519.pub"}
}

// HostnameFor makes a host name of a machine's name.
func HostnameFor(machine string) string {
	safe := strings.Map(func(r rune) rune {
		if strings.ContainsRune(letters+digits, r) {
			return r
		}
		return '-'
	}, machine)
	if len(safe) > 63 {
		safe = safe[:63]
	}
	return strings.ToLower(strings.Trim(safe, "-"))
}
