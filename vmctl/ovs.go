package vmctl

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"

	"hither/fusion"
	"hither/vmctl/process"
)

// ovsMark is the external ID of a bridge that Hither made; its value is the network's
// UUID (ovs-vswitchd.conf.db(5), external_ids).
const ovsMark = "hither-network"

// runOVS runs ovs-vsctl and gives what it prints. Arguments come from names that
// fusion.NetworkSpec.Check has passed.
type runOVS func(ctx context.Context, args ...string) (string, error)

const ovsHint = "install and start Open vSwitch on that computer (Debian, Ubuntu: apt install openvswitch-switch); Hither must run as root to make bridges"

// ovsctl is the real one.
func ovsctl(ctx context.Context, args ...string) (string, error) {
	program, err := process.Find("ovs-vsctl")
	if err != nil {
		return "", &fusion.Error{Op: "network", Cause: fusion.ErrUnsupported, Detail: "Open vSwitch is not here", Hint: ovsHint}
	}
	out, err := exec.CommandContext(ctx, program, append([]string{"--timeout=20"}, args...)...).CombinedOutput()
	if err != nil && ctx.Err() != nil {
		return "", ctx.Err()
	}
	return strings.TrimSpace(string(out)), err
}

// ovs runs ovs-vsctl and explains its failure.
func (s *Store) ovs(ctx context.Context, name string, args ...string) (string, error) {
	out, err := s.config.ovs(ctx, args...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, &fusion.Error{Op: "network", Path: name, Cause: fusion.ErrUnsupported, Detail: "Open vSwitch does not do it: " + firstLine(out), Hint: ovsHint}
	}
	return out, err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	const most = 200
	return line[:min(len(line), most)]
}

// hasSwitch says whether Open vSwitch has a bridge.
func (s *Store) hasSwitch(ctx context.Context, bridge string) (bool, error) {
	list, err := s.ovs(ctx, bridge, "list-br")
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(list) {
		if strings.TrimSpace(line) == bridge {
			return true, nil
		}
	}
	return false, nil
}

// makeSwitch makes a bridge that is marked as the network's. Where the kernel has no
// Open vSwitch it runs in user space (datapath_type netdev).
func (s *Store) makeSwitch(ctx context.Context, bridge, uuid string) error {
	datapath := "system"
	if _, err := os.Stat("/sys/module/openvswitch"); err != nil {
		datapath = userDatapath
	}
	_, err := s.ovs(ctx, bridge, "add-br", bridge, "--", "set", "bridge", bridge,
		"datapath_type="+datapath, "external_ids:"+ovsMark+"="+uuid)
	return err
}

const userDatapath = "netdev"

// dropSwitch removes a bridge if it is marked as the network's.
func (s *Store) dropSwitch(ctx context.Context, bridge, uuid string) error {
	there, err := s.hasSwitch(ctx, bridge)
	if err != nil || !there {
		return err
	}
	mark, err := s.ovs(ctx, bridge, "br-get-external-id", bridge, ovsMark)
	if err != nil || mark != uuid {
		return err
	}
	_, err = s.ovs(ctx, bridge, "del-br", bridge)
	return err
}

// inUserSpace says whether a bridge's packets go through a program: then a guest must
// write its checksums itself, for nobody does it on the way.
func (s *Store) inUserSpace(ctx context.Context, bridge string) bool {
	datapath, err := s.ovs(ctx, bridge, "get", "bridge", bridge, "datapath_type")
	return err == nil && strings.Trim(datapath, `"`) == userDatapath
}
