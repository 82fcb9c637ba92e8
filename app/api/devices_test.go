package api

import (
	"errors"
	"testing"

	"hither/fusion"
	"hither/fusion/hosttest"
)

// TestDevicesNeedAdmin: whoever makes machines here sees the devices and may take one from a
// machine, and gives none away.
func TestDevicesNeedAdmin(t *testing.T) {
	s := newScene(t)
	ctx := t.Context()
	own := hostOf(s.owner(), "")
	m := must(own.Machines().Create(ctx, fusion.MachineSpec{Name: "web"}))(t)
	list := must(own.Devices().List(ctx))(t)
	if len(list) != 2 || list[0].Host != "cloud" || list[1].Note == "" || list[1].Hint == "" || list[0].Group != -1 {
		t.Fatalf("%+v", list)
	}
	s.node.grant("id-nas", fusion.MachinesCap)
	nas := hostOf(s.peer("id-nas"), "")
	if seen := must(nas.Devices().List(ctx))(t); len(seen) != 2 {
		t.Errorf("nas sees %+v", seen)
	}
	attach := fusion.Change{Kind: fusion.AttachDevice, Device: list[0].ID}
	if _, err := nas.Hardware().Change(ctx, m.Name, attach); !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" {
		t.Errorf("nas gave a device: %v", err)
	}
	far := fusion.Change{Kind: fusion.AttachDevice, Device: list[0].ID, From: hosttest.Desk}
	if _, err := nas.Hardware().Change(ctx, m.Name, far); !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" {
		t.Errorf("nas gave a device of another host: %v", err)
	}
	must(own.Hardware().Change(ctx, m.Name, far))(t)
	if has := must(nas.Hardware().Show(ctx, m.Name))(t).Devices; len(has) != 1 || has[0].From != hosttest.Desk || has[0].FromName == "" {
		t.Errorf("it has %+v", has)
	}
	far.Kind = fusion.DetachDevice
	must(nas.Hardware().Change(ctx, m.Name, far))(t)
	must(own.Hardware().Change(ctx, m.Name, attach))(t)
	if has := must(nas.Hardware().Show(ctx, m.Name))(t).Devices; len(has) != 1 || has[0].ID != list[0].ID || has[0].Name != list[0].Name {
		t.Errorf("it has %+v", has)
	}
	must(nas.Hardware().Change(ctx, m.Name, fusion.Change{Kind: fusion.DetachDevice, Device: list[0].ID}))(t)
	s.node.grant("id-nas", fusion.AdminCap)
	must(nas.Hardware().Change(ctx, m.Name, attach))(t)
}
