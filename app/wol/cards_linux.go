package wol

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

// sysfs is where the kernel describes network interfaces
// (Documentation/ABI/testing/sysfs-class-net).
const sysfs = "/sys/class/net"

// Cards gives the wired network cards of this computer.
func Cards() []fusion.Card { return cards(sysfs, nets, wakeOnLAN) }

// cards reads the interfaces below root. nets gives the addresses of one, and wake
// asks its driver, which only root may.
func cards(root string, nets func(name string) []string, wake func(name string) (string, bool)) []fusion.Card {
	list := []fusion.Card{}
	entries, err := os.ReadDir(root)
	if err != nil {
		return list
	}
	for _, entry := range entries {
		name, dir := entry.Name(), filepath.Join(root, entry.Name())
		if !wired(dir) {
			continue
		}
		card := fusion.Card{Name: name, MAC: word(dir, "address"), Nets: nets(name)}
		if master, err := os.Readlink(filepath.Join(dir, "master")); err == nil {
			card.Nets = append(card.Nets, nets(filepath.Base(master))...) // of its bridge or bond
		}
		var known bool
		if card.Wake, known = wake(name); !known {
			card.Wake = map[string]string{"enabled": "on", "disabled": "off"}[word(dir, "device/power/wakeup")]
		}
		list = append(list, card)
	}
	return fusion.SoundCards(list)
}

// wired says whether an interface is a card of its own, Ethernet and not radio.
func wired(dir string) bool {
	const ethernet = "1" // ARPHRD_ETHER
	return word(dir, "type") == ethernet && has(dir, "device") && !has(dir, "wireless") && !has(dir, "phy80211")
}

func has(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// word reads a file of one word, "" when there is none.
func word(dir, name string) string {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func nets(name string) []string {
	one, err := net.InterfaceByName(name)
	if err != nil {
		return nil
	}
	list := []string{}
	for _, p := range prefixes(*one) {
		list = append(list, p.String())
	}
	return list
}

// wolInfo is struct ethtool_wolinfo of linux/ethtool.h.
type wolInfo struct {
	cmd, supported, options uint32
	password                [6]byte
}

// wakeMagic is WAKE_MAGIC of linux/ethtool.h.
const wakeMagic = 1 << 5

// wakeOnLAN asks a driver whether its card listens for magic packets (ethtool(8),
// ETHTOOL_GWOL).
func wakeOnLAN(name string) (wake string, known bool) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	info := wolInfo{cmd: unix.ETHTOOL_GWOL}
	var request struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(request.name[:unix.IFNAMSIZ-1], name)
	request.data = unsafe.Pointer(&info)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return "", false
	}
	if info.options&wakeMagic != 0 {
		return "on", true
	}
	return "off", true
}
