package usbredir

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"hither/fusion"
)

// bus is a sysfs of a test: files by path, and links of drivers.
func bus(t *testing.T, files, drivers map[string]string) {
	t.Helper()
	old := sysfs
	t.Cleanup(func() { sysfs = old })
	sysfs = t.TempDir()
	for path, text := range files {
		if err := os.MkdirAll(filepath.Join(sysfs, filepath.Dir(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sysfs, path), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, driver := range drivers {
		if err := os.Symlink("/sys/bus/usb/drivers/"+driver, filepath.Join(sysfs, i, "driver")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestList(t *testing.T) {
	bus(t, map[string]string{
		"usb1/idVendor": "1d6b", "usb1/idProduct": "0002", "usb1/busnum": "1", "usb1/devnum": "1",
		"1-2/idVendor": "0951", "1-2/idProduct": "1666", "1-2/busnum": "1", "1-2/devnum": "12", "1-2/manufacturer": "Kingston", "1-2/product": "Data\x01Traveler",
		"1-2:1.0/bInterfaceClass": "08",
		"1-1/idVendor":            "046d", "1-1/idProduct": "c52b", "1-1/busnum": "1", "1-1/devnum": "3",
		"1-1:1.0/bInterfaceClass": "03", "1-1:1.1/bInterfaceClass": "03",
		"1-3/idVendor": "05e3", "1-3/idProduct": "0610", "1-3/busnum": "1", "1-3/devnum": "4", "1-3/bDeviceClass": "09",
		"1-4/idVendor": "05e3", // it was pulled out just now
	}, map[string]string{"1-2:1.0": "usb-storage", "1-1:1.0": "usbhid", "1-1:1.1": "usbhid"})
	got, err := Host{}.List()
	want := []Device{
		{Bus: 1, Number: 3, Port: "1-1", Vendor: "046d", Product: "c52b", Name: "0x046d 0xc52b", Drivers: []string{"usbhid"}},
		{Bus: 1, Number: 12, Port: "1-2", Vendor: "0951", Product: "1666", Name: "Kingston Data?Traveler", Drivers: []string{"usb-storage"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if node := got[1].Node(); node != "/dev/bus/usb/001/012" {
		t.Error(node)
	}
	sysfs = filepath.Join(t.TempDir(), "none")
	if got, err := (Host{}).List(); err != nil || len(got) != 0 {
		t.Errorf("a computer without USB has %v, %v", got, err)
	}
}

// TestWhatIsNotThere: the libraries are asked for a device that is not there; where they are
// missing that is what is said.
func TestWhatIsNotThere(t *testing.T) {
	d := Device{Bus: 250, Number: 77, Vendor: "ffff", Product: "fffe"}
	cause := fusion.ErrNotFound
	if _, err := load(); err != nil {
		t.Log(err)
		cause = fusion.ErrUnsupported
	}
	_, err := Host{}.Open(d)
	for what, err := range map[string]error{"open": err, "check": Host{}.Check(d), "restore": Host{}.Restore(d)} {
		if !errors.Is(err, cause) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
