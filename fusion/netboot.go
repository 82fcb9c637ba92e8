package fusion

import (
	"context"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

// NetBoot is network boot: bare computers on one of a host's networks start from the
// host, wait there, and are installed when its owner says so. It is off until somebody
// switches it on. Every method needs AdminCap on another host: it serves whoever is on that
// network, and an installation wipes a disk.
type NetBoot interface {
	// Show gives how it is at a revision other than after: at once, or when it changes, or
	// as it is after NetBootWait. 0 is no revision.
	Show(ctx context.Context, after int64) (NetBootState, error)
	// Switch sets whether it is on, and where. It promises ErrPermission where the node
	// may not open the ports of DHCP and TFTP, ErrBusy where another program has them,
	// ErrNotFound where iPXE or the interface is missing; then it is as it was before.
	Switch(ctx context.Context, spec NetBootSpec) (NetBootState, error)
	// Install installs a computer when it starts from the network next, and returns when it
	// has paired itself. Ending ctx takes the word back, as far as that is possible: what
	// was begun on its disk is not undone. It promises ErrBusy for a computer that is being
	// installed, and ErrUnsupported while network boot is off.
	Install(ctx context.Context, spec BareSpec) (BareComputer, error)
	// Forget takes a computer off the list until it asks again, and ends what was to be
	// done with it. It promises ErrNotFound.
	Forget(ctx context.Context, mac string) error
}

// NetBootWait bounds how long Show waits for a change.
const NetBootWait = 25 * time.Second

// NetBootSpec says whether network boot is on, and where.
type NetBootSpec struct {
	On bool `json:"on"`
	// Interface is a network interface of the host; default: the only one with an IPv4
	// address, or the one that was used before.
	Interface string `json:"interface,omitempty"`
}

// NetBootState is how a host's network boot is.
type NetBootState struct {
	// Host is empty inside a Host and filled by whoever holds several hosts.
	Host string `json:"host"`
	// Revision is another one after each change.
	Revision  int64  `json:"revision"`
	On        bool   `json:"on"`
	Interface string `json:"interface"`
	// Address is where the host is on that interface.
	Address string `json:"address"`
	// Note says why it does not serve although it is on, and Hint what to do.
	Note string `json:"note,omitempty"`
	Hint string `json:"hint,omitempty"`
	// Interfaces are those that it could be on.
	Interfaces []NetBootInterface `json:"interfaces"`
	// Computers asked to start from it or are to be installed; those that were seen last come first.
	Computers []BareComputer `json:"computers"`
}

// NetBootInterface is a network interface with an IPv4 address.
type NetBootInterface struct {
	Name    string `json:"name"`
	Address string `json:"address"` // with its prefix, as 192.168.1.20/24
}

// BareState is how far a computer is.
type BareState string

const (
	BareSeen       BareState = "seen"       // it asked to start from the network, and waits
	BareOrdered    BareState = "ordered"    // it is installed when it starts from the network next
	BareBooting    BareState = "booting"    // it loads the installer
	BareInstalling BareState = "installing" // the installer is about to write to its disk
	BareInstalled  BareState = "installed"  // its system is on its disk; it starts from there
	BarePaired     BareState = "paired"     // it is in the library
	BareFailed     BareState = "failed"     // Note says why
)

// BareComputer is a computer on the network, which may have nothing on its disk.
type BareComputer struct {
	MAC string `json:"mac"` // as 52:54:00:12:34:56
	// UUID, Firmware ("bios", "efi", or "" when it did not say) and Vendor are what it says of
	// itself; nobody checks them.
	UUID     string `json:"uuid,omitempty"`
	Firmware string `json:"firmware,omitempty"`
	Vendor   string `json:"vendor,omitempty"`
	// Seen is when it asked last, zero when it never did.
	Seen  time.Time `json:"seen,omitzero"`
	State BareState `json:"state"`
	// Steps are the states with the times at which they began, oldest first.
	Steps []BareStep `json:"steps"`
	// Name is what it is called once it is installed; "" while nobody decided.
	Name string `json:"name,omitempty"`
	// Expires is when the word to install it ends.
	Expires time.Time `json:"expires,omitzero"`
	// Note says why it failed, or why it cannot start.
	Note string `json:"note,omitempty"`
	Hint string `json:"hint,omitempty"`
	// ID is that of the host which it became.
	ID HostID `json:"id,omitempty"`
}

// BareStep is a state that a computer reached.
type BareStep struct {
	State BareState `json:"state"`
	At    time.Time `json:"at"`
}

// BareSpec says how a bare computer is installed. MAC, Name and a way to log in are required.
type BareSpec struct {
	MAC  string `json:"mac"`
	Name string `json:"name"`
	// Image is a distribution of the catalogue ("debian-12") or a CD in the pool whose
	// installer needs nothing but a network; default: "debian-12".
	Image string `json:"image,omitempty"`
	// Disk is what is wiped, as in /dev/sda; default: the first disk.
	Disk string `json:"disk,omitempty"`
	// Seed is who logs in there; default of User: "user". It has no addresses and no apps.
	Seed Seed `json:"seed"`
	// Grants are what the new computer may do on the host that installs it; none is nothing. That host may do all there.
	Grants []Capability `json:"grants,omitempty"`
	// Within is how long the word counts; default: two hours.
	Within time.Duration `json:"within,omitempty"`
}

const (
	defaultWithin = 2 * time.Hour
	maxWithin     = 7 * 24 * time.Hour
)

var diskPath = regexp.MustCompile(`^/dev/[A-Za-z0-9][A-Za-z0-9_/-]{0,63}$`)

// ParseMAC reads the address of an Ethernet card, in any of net.ParseMAC's forms; the error has cause ErrInvalid.
func ParseMAC(text string) (string, error) {
	mac, err := net.ParseMAC(text)
	if err != nil || len(mac) != 6 || mac[0]&1 != 0 || mac.String() == "00:00:00:00:00:00" {
		return "", &Error{Op: "netboot", Path: clip(text), Cause: ErrInvalid, Detail: "it is no address of a network card",
			Hint: "give it as 52:54:00:12:34:56; hither netboot ls lists the computers that wait"}
	}
	return mac.String(), nil
}

// WithDefaults fills what was left open, and gives an error with cause ErrInvalid for what
// cannot be.
func (s BareSpec) WithDefaults() (BareSpec, error) {
	bad := func(detail, hint string) (BareSpec, error) {
		return s, &Error{Op: "netboot.install", Path: clip(s.Name), Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	var err error
	if s.MAC, err = ParseMAC(s.MAC); err != nil {
		return s, err
	}
	if err := CheckName(s.Name); err != nil {
		return s, err
	}
	if s.Image == "" {
		s.Image = "debian-12"
	}
	if err := CheckName(s.Image); err != nil {
		return s, err
	}
	if s.Seed.User == "" {
		s.Seed.User = "user"
	}
	if s.Seed.Hostname == "" {
		s.Seed.Hostname = HostnameFor(s.Name)
	}
	if s.Within == 0 {
		s.Within = defaultWithin
	}
	switch {
	case s.Disk != "" && (!diskPath.MatchString(s.Disk) || strings.Contains(s.Disk, "//")):
		return bad("its disk has no such name", "name a whole disk as its Linux does, as in /dev/sda; without one the first is taken")
	case s.Within < time.Minute || s.Within > maxWithin:
		return bad("the time in which it may be installed is out of bounds", "give 1 minute to 7 days, as in --within 2h")
	case len(s.Seed.SSHKeys) == 0 && s.Seed.Password == "":
		return bad("nobody could log in to what is installed", "give a key or a password, as in --ssh-key ~/.ssh/id_ed25519.pub")
	case len(s.Seed.Addresses)+len(s.Seed.Apps) > 0:
		return bad("an installer asks DHCP for its address, and installs no apps", "set its address, and install apps, once it is in the library")
	}
	for _, g := range s.Grants {
		if !slices.Contains(Capabilities, g) {
			_, err := ParseCapability(string(g))
			return s, err
		}
	}
	return s, s.Seed.Check()
}
