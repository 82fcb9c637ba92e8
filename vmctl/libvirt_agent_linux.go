//go:build cgo

package vmctl

import (
	"errors"
	"strings"

	"libvirt.org/go/libvirt"

	"hither/fusion"
	"hither/vmctl/guest"
)

// agent passes a command to the guest's agent and gives its answer, both JSON.
func (c *connection) agent(uuid, command string) (string, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return "", err
	}
	defer free(d)
	answer, err := d.QemuAgentCommand(command, libvirt.DomainQemuAgentCommandTimeout(guest.Patience.Seconds()), 0)
	if err == nil {
		return answer, nil
	}
	var e libvirt.Error
	if errors.As(err, &e) {
		if failure := agentFailure(e.Message); failure != nil {
			return "", failure
		}
		if strings.Contains(e.Message, "encode message payload") { // beyond what libvirt carries
			return "", &driverError{fusion.ErrInvalid, "the answer of the guest is too long"}
		}
	}
	if isCode(err, libvirt.ERR_AGENT_UNRESPONSIVE, libvirt.ERR_AGENT_UNSYNCED, libvirt.ERR_ARGUMENT_UNSUPPORTED, libvirt.ERR_OPERATION_UNSUPPORTED) {
		return "", &driverError{fusion.ErrUnsupported, err.Error()}
	}
	return "", translate(err)
}
