//go:build linux && e2e

package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl"
	"hither/vmctl/usbredir"
)

// oneStick is a computer with a USB stick that only listens to what a machine says.
type oneStick struct{ heard chan string }

const stickID = "usb:0951:1666"

func (oneStick) List() ([]usbredir.Device, error) {
	return []usbredir.Device{{Bus: 1, Number: 2, Port: "1-1", Vendor: "0951", Product: "1666", Name: "Kingston DataTraveler"}}, nil
}
func (oneStick) Check(usbredir.Device) error                      { return nil }
func (oneStick) Restore(usbredir.Device) error                    { return nil }
func (o oneStick) Open(usbredir.Device) (usbredir.Session, error) { return o, nil }
func (oneStick) Close()                                           {}

func (o oneStick) Serve(ctx context.Context, conn io.ReadWriteCloser) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var all bytes.Buffer
	buf := make([]byte, 4096)
	for told := false; ; {
		n, err := conn.Read(buf)
		if err != nil {
			o.heard <- "end"
			return conn.Close()
		}
		all.Write(buf[:n])
		if !told && bytes.Contains(all.Bytes(), []byte("qemu usb-redir guest")) {
			told = true
			o.heard <- "QEMU"
		}
	}
}

var _ vmctl.USBHost = oneStick{}

// TestDeviceOfAPairedComputer: a running machine of one node is given a USB device of another,
// for which it needs admin there, and loses it when admin is taken away. Real QEMU speaks
// usbredir over the pairing's stream.
func TestDeviceOfAPairedComputer(t *testing.T) {
	stick := oneStick{make(chan string, 16)}
	here := startNode(t, "here")
	laptop := startNode(t, "laptop", func(c *Config) { c.Libvirt, c.usb = "off", stick })
	pairNodes(t, here, laptop)
	ctx := t.Context()
	host := &local{n: here}
	if _, err := host.Machines().Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, Start: true}); err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	attach := func() error {
		_, err := host.Hardware().Change(ctx, "m", fusion.Change{Kind: fusion.AttachDevice, Device: stickID, From: laptop.network.ID()})
		return err
	}
	has := func() []fusion.DevicePart {
		p, err := host.Hardware().Show(ctx, "m")
		if err != nil {
			t.Fatal(err)
		}
		return p.Devices
	}
	grant := func(grants ...fusion.Capability) {
		if _, err := laptop.Grant(ctx, here.network.ID(), fusion.Whole(grants...)); err != nil {
			t.Fatal(err)
		}
	}
	grant(fusion.ViewCap, fusion.ControlCap, fusion.MachinesCap)
	if err := attach(); !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" || len(has()) != 0 {
		t.Fatalf("without admin: %v, it has %+v", err, has())
	}
	grant(fusion.AdminCap)
	if err := attach(); err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	await := func(want string) {
		t.Helper()
		select {
		case got := <-stick.heard:
			if got != want {
				t.Fatalf("the stick heard %q, want %q", got, want)
			}
		case <-ctx.Done():
			t.Fatalf("the stick never heard %q", want)
		}
	}
	await("QEMU")
	list, err := resolved(t, here, "laptop").Devices().List(ctx)
	if err != nil || len(list) != 1 || !slices.Equal(list[0].Machines, []string{"here/m"}) || list[0].FarNote != "" {
		t.Errorf("%+v, %v", list, err)
	}
	if d := has(); len(d) != 1 || d[0].FromName != "laptop" || d[0].Name != "Kingston DataTraveler" || d[0].Note != "" {
		t.Errorf("it has %+v", d)
	}
	grant(fusion.ViewCap)
	await("end")
	waitFor(t, "the reason", func() bool { return strings.Contains(has()[0].Note, "needs admin there") })
	grant(fusion.AdminCap)
	await("QEMU") // it comes back by itself
	if _, err := host.Hardware().Change(ctx, "m", fusion.Change{Kind: fusion.DetachDevice, Device: stickID}); err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	await("end")
	if d := has(); len(d) != 0 {
		t.Errorf("it has %+v", d)
	}
}
