//go:build cgo

package vmctl

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"libvirt.org/go/libvirt"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// connection is the driver over libvirt.
type connection struct {
	conn    *libvirt.Connect
	changed func(uuid string)
	gone    chan struct{}
	once    sync.Once   // closes gone
	watches []int       // the callbacks that are registered
	waits   atomic.Bool // stats take no NOWAIT

	mu    sync.Mutex // guards the fields below
	infos map[string]domxml.Info
	offs  map[string]int // why a domain is off, its virDomainShutoffReason
	// forgotten counts, so that what was read before one was forgotten is not kept.
	forgotten uint64
}

// openLibvirt connects. A dead peer is noticed within about half a minute by
// libvirt's keepalive, which then ends every call in flight.
func openLibvirt(uri string, changed func(uuid string)) (driver, error) {
	if _, err := libvirt.GetVersion(); err != nil {
		return nil, &fusion.Error{Op: "machines.connect", Path: uri, Cause: fusion.ErrUnsupported,
			Detail: "the library libvirt.so.0 is not here", Hint: InstallHint}
	}
	if err := holdEventLoop(); err != nil {
		return nil, translate(err)
	}
	conn, err := libvirt.NewConnect(uri)
	if err != nil {
		releaseEventLoop()
		return nil, translate(err)
	}
	c := &connection{conn: conn, changed: changed, gone: make(chan struct{}), infos: map[string]domxml.Info{}, offs: map[string]int{}}
	if err := c.listen(); err != nil {
		return nil, errors.Join(translate(err), c.close())
	}
	return c, nil
}

func (c *connection) listen() error {
	err := c.conn.RegisterCloseCallback(func(*libvirt.Connect, libvirt.ConnectCloseReason) {
		c.once.Do(func() { close(c.gone) })
	})
	if err != nil {
		return err
	}
	if err := c.watch(); err != nil {
		return err
	}
	// The test driver has no keepalive; a hypervisor in this process needs none.
	if err := c.conn.SetKeepAlive(5, 6); err != nil && !isCode(err, libvirt.ERR_NO_SUPPORT) {
		return err
	}
	return nil
}

// watch follows what changes a domain's state or its definition. A driver that lacks one
// of the kinds has nothing that changes so.
func (c *connection) watch() error {
	for _, register := range []func() (int, error){
		func() (int, error) {
			return c.conn.DomainEventLifecycleRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventLifecycle) { c.noted(d) })
		},
		func() (int, error) {
			return c.conn.DomainEventDeviceAddedRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventDeviceAdded) { c.noted(d) })
		},
		func() (int, error) {
			return c.conn.DomainEventDeviceRemovedRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventDeviceRemoved) { c.noted(d) })
		},
		func() (int, error) {
			return c.conn.DomainEventBalloonChangeRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventBalloonChange) { c.noted(d) })
		},
		func() (int, error) {
			return c.conn.DomainEventJobCompletedRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventJobCompleted) { c.noted(d) })
		},
		func() (int, error) {
			return c.conn.DomainEventMetadataChangeRegister(nil, func(_ *libvirt.Connect, d *libvirt.Domain, _ *libvirt.DomainEventMetadataChange) { c.noted(d) })
		},
	} {
		id, err := register()
		if err == nil {
			c.watches = append(c.watches, id)
		} else if !isCode(err, libvirt.ERR_NO_SUPPORT) {
			return err
		}
	}
	return nil
}

// noted runs in the event loop: it notes and returns.
func (c *connection) noted(d *libvirt.Domain) {
	uuid, err := d.GetUUIDString()
	if err != nil {
		return
	}
	c.forget(uuid)
	c.changed(uuid)
}

func (c *connection) lost() <-chan struct{} { return c.gone }

// close takes the callbacks back first: each holds the connection open. Both are
// refused when the other end went first, and then there is nothing to take back.
func (c *connection) close() error {
	for _, id := range c.watches {
		_ = c.conn.DomainEventDeregister(id)
	}
	_ = c.conn.UnregisterCloseCallback()
	_, err := c.conn.Close()
	releaseEventLoop()
	return translate(err)
}

func (c *connection) domain(uuid string) (domain, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return domain{}, err
	}
	defer free(d)
	state, reason, err := d.GetState()
	if err != nil {
		return domain{}, translate(err)
	}
	saved := map[string]bool{}
	if state == libvirt.DOMAIN_SHUTOFF {
		if saved[uuid], err = d.HasManagedSaveImage(0); err != nil {
			return domain{}, translate(err)
		}
	}
	out, err := c.describe(d, state, reason, saved)
	if err == nil {
		out.autostart, err = d.GetAutostart()
	}
	if isCode(err, libvirt.ERR_OPERATION_INVALID, libvirt.ERR_NO_SUPPORT) {
		err = nil // a domain without a definition starts by nobody
	}
	return out, translated(err)
}

// translated is translate for what may be translated already.
func translated(err error) error {
	if d := (*driverError)(nil); errors.As(err, &d) {
		return err
	}
	return translate(err)
}

func (c *connection) describe(d *libvirt.Domain, state libvirt.DomainState, reason int, saved map[string]bool) (domain, error) {
	uuid, err := d.GetUUIDString()
	if err != nil {
		return domain{}, translate(err)
	}
	name, err := d.GetName()
	if err != nil {
		return domain{}, translate(err)
	}
	info, err := c.info(d, uuid)
	if err != nil {
		return domain{}, err
	}
	out := domain{uuid: uuid, name: name, Info: info}
	out.state, out.detail = stateOf(state, reason, saved[uuid])
	// QEMU's run state "internal-error", of which libvirt has no word: nobody asked for it.
	if state == libvirt.DOMAIN_PAUSED && libvirt.DomainPausedReason(reason) == libvirt.DOMAIN_PAUSED_UNKNOWN && info.Accelerator == "kvm" {
		out.gaveUp, out.state, out.detail = true, fusion.Failed, gaveUpDetail
	}
	out.ended = state == libvirt.DOMAIN_SHUTOFF && out.state == fusion.Failed
	out.unasked = state == libvirt.DOMAIN_SHUTOFF && !slices.Contains(askedOff, libvirt.DomainShutoffReason(reason))
	out.starting = state == libvirt.DOMAIN_PAUSED && libvirt.DomainPausedReason(reason) == libvirt.DOMAIN_PAUSED_STARTING_UP
	out.active = state != libvirt.DOMAIN_SHUTOFF && state != libvirt.DOMAIN_NOSTATE
	return out, nil
}

// info reads the definition, once between two events.
func (c *connection) info(d *libvirt.Domain, uuid string) (domxml.Info, error) {
	c.mu.Lock()
	info, known := c.infos[uuid]
	since := c.forgotten
	c.mu.Unlock()
	if known {
		return info, nil
	}
	text, err := d.GetXMLDesc(0)
	if err != nil {
		return domxml.Info{}, translate(err)
	}
	if info, err = domxml.ReadInfo(text); err != nil {
		return domxml.Info{}, &driverError{cause: errHypervisor, text: err.Error()}
	}
	c.mu.Lock()
	if c.forgotten == since {
		c.infos[uuid] = info
	}
	c.mu.Unlock()
	return info, nil
}

func (c *connection) lookup(uuid string) (*libvirt.Domain, error) {
	d, err := c.conn.LookupDomainByUUIDString(uuid)
	return d, translate(err)
}

func (c *connection) advertisesKVM() (bool, error) {
	text, err := c.conn.GetCapabilities()
	return strings.Contains(text, `<domain type='kvm'`), translate(err)
}

func (c *connection) graphics(uuid string, index int) (*os.File, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return nil, err
	}
	defer free(d)
	f, err := d.OpenGraphicsFD(uint(index), libvirt.DOMAIN_OPEN_GRAPHICS_SKIPAUTH)
	return f, translate(err)
}

// maxShot bounds a screenshot: 8192 × 8192 pixels of PPM.
const maxShot = 8192*8192*3 + 1024

func (c *connection) screenshot(uuid string, w io.Writer) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	stream, err := c.conn.NewStream(0)
	if err != nil {
		return translate(err)
	}
	defer stream.Free()
	if _, err := d.Screenshot(stream, 0, 0); err != nil {
		return translate(err)
	}
	if _, err := io.Copy(w, io.LimitReader(streamReader{stream}, maxShot)); err != nil {
		return errors.Join(translate(err), translate(stream.Abort()))
	}
	return translate(stream.Finish())
}

type streamReader struct{ stream *libvirt.Stream }

func (r streamReader) Read(p []byte) (int, error) { return r.stream.Recv(p) }

func free(d *libvirt.Domain) { _ = d.Free() } // fails only on a nil domain

func freeStats(all []libvirt.DomainStats) {
	for _, one := range all {
		free(one.Domain)
	}
}
