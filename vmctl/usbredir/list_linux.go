package usbredir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	hubClass    = "09"   // https://www.usb.org/defined-class-codes
	rootHub     = "1d6b" // the Linux Foundation, as which root hubs name themselves
	longestName = 100    // letters
)

// sysfs is where the kernel shows its USB devices; a test has a directory of its own.
var sysfs = "/sys/bus/usb/devices"

// List gives the devices that are plugged in, by bus and number. A computer without USB has
// none.
func (Host) List() ([]Device, error) {
	entries, err := os.ReadDir(sysfs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Device
	for _, entry := range entries {
		port := entry.Name()
		if strings.Contains(port, ":") || strings.HasPrefix(port, "usb") {
			continue // an interface, or a bus
		}
		if d, ok := readDevice(port); ok {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b Device) int {
		if a.Bus != b.Bus {
			return a.Bus - b.Bus
		}
		return a.Number - b.Number
	})
	return list, nil
}

// readDevice reads one; ok is false for a hub, and for what went meanwhile.
func readDevice(port string) (d Device, ok bool) {
	field := func(name string) string {
		text, err := os.ReadFile(filepath.Join(sysfs, port, name))
		if err != nil {
			return "" // devices need not have names
		}
		return strings.TrimSpace(string(text))
	}
	d = Device{Port: port, Vendor: field("idVendor"), Product: field("idProduct")}
	var errs [2]error
	d.Bus, errs[0] = strconv.Atoi(field("busnum"))
	d.Number, errs[1] = strconv.Atoi(field("devnum"))
	if errors.Join(errs[:]...) != nil || len(d.Vendor) != 4 || len(d.Product) != 4 || d.Vendor == rootHub || field("bDeviceClass") == hubClass {
		return d, false
	}
	d.Name = nameOf(field("manufacturer"), field("product"), d)
	for _, i := range interfaces(port) {
		if driver, err := os.Readlink(filepath.Join(sysfs, i, "driver")); err == nil {
			d.Drivers = append(d.Drivers, filepath.Base(driver))
		}
		if class, err := os.ReadFile(filepath.Join(sysfs, i, "bInterfaceClass")); err == nil && strings.TrimSpace(string(class)) == hubClass {
			return d, false
		}
	}
	slices.Sort(d.Drivers)
	d.Drivers = slices.Compact(d.Drivers)
	return d, true
}

// interfaces gives the names of a device's interfaces in sysfs, "1-2:1.0".
func interfaces(port string) (names []string) {
	found, _ := filepath.Glob(filepath.Join(sysfs, port+":*")) // the pattern is good
	for _, path := range found {
		names = append(names, filepath.Base(path))
	}
	return names
}

// nameOf makes a name of what the device says of itself.
func nameOf(maker, product string, d Device) string {
	name := strings.TrimSpace(maker + " " + product)
	if name == "" {
		name = "0x" + d.Vendor + " 0x" + d.Product
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(name, "?"))
	if runes := []rune(name); len(runes) > longestName {
		name = string(runes[:longestName]) + "…"
	}
	return name
}
