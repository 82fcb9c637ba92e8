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
)

// connection is the driver over libvirt.
type connection struct {
	conn    *libvirt.Connect
	changed func(uuid string)
	gone    chan struct{}
	once    sync.Once   // closes gone
	watchID int         // of lifecycle, -1 before it is registered
	waits   atomic.Bool // stats take no NOWAIT

	mu    sync.Mutex // guards the fields below
	infos map[string]domainInfo
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
	c := &connection{conn: conn, changed: changed, gone: make(chan struct{}), watchID: -1, infos: map[string]domainInfo{}}
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
	if c.watchID, err = c.conn.DomainEventLifecycleRegister(nil, c.lifecycle); err != nil {
		c.watchID = -1
		return err
	}
	// The test driver has no keepalive; a hypervisor in this process needs none.
	if err := c.conn.SetKeepAlive(5, 6); err != nil && !isCode(err, libvirt.ERR_NO_SUPPORT) {
		return err
	}
	return nil
}

// lifecycle runs in the event loop: it notes and returns.
func (c *connection) lifecycle(_ *libvirt.Connect, d *libvirt.Domain, event *libvirt.DomainEventLifecycle) {
	uuid, err := d.GetUUIDString()
	if err != nil {
		return
	}
	c.mu.Lock()
	delete(c.infos, uuid)
	c.mu.Unlock()
	c.changed(uuid)
}

func (c *connection) lost() <-chan struct{} { return c.gone }

// close takes the callbacks back first: each holds the connection open. Both are
// refused when the other end went first, and then there is nothing to take back.
func (c *connection) close() error {
	if c.watchID >= 0 {
		_ = c.conn.DomainEventDeregister(c.watchID)
	}
	_ = c.conn.UnregisterCloseCallback()
	_, err := c.conn.Close()
	releaseEventLoop()
	return translate(err)
}

func (c *connection) domains() ([]domain, error) {
	all, err := c.conn.GetAllDomainStats(nil, libvirt.DOMAIN_STATS_STATE, 0)
	if err != nil {
		return nil, translate(err)
	}
	defer freeStats(all)
	saved, err := c.saved()
	if err != nil {
		return nil, err
	}
	var list []domain
	for _, one := range all {
		if one.State == nil {
			continue
		}
		d, err := c.describe(one.Domain, one.State.State, one.State.Reason, saved)
		if errors.Is(err, fusion.ErrNotFound) {
			continue // went meanwhile
		}
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// saved gives the UUIDs of the domains that have a saved state.
func (c *connection) saved() (map[string]bool, error) {
	list, err := c.conn.ListAllDomains(libvirt.CONNECT_LIST_DOMAINS_MANAGEDSAVE)
	if err != nil {
		return nil, translate(err)
	}
	saved := map[string]bool{}
	for i := range list {
		if uuid, err := list[i].GetUUIDString(); err == nil {
			saved[uuid] = true
		}
		free(&list[i])
	}
	return saved, nil
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
	return c.describe(d, state, reason, saved)
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
	out := domain{uuid: uuid, name: name, domainInfo: info}
	out.state, out.detail = stateOf(state, reason, saved[uuid])
	out.unasked = state == libvirt.DOMAIN_SHUTOFF && !slices.Contains(askedOff, libvirt.DomainShutoffReason(reason))
	out.active = state != libvirt.DOMAIN_SHUTOFF && state != libvirt.DOMAIN_NOSTATE
	return out, nil
}

// info reads the definition, once between two lifecycle events.
func (c *connection) info(d *libvirt.Domain, uuid string) (domainInfo, error) {
	c.mu.Lock()
	info, known := c.infos[uuid]
	c.mu.Unlock()
	if known {
		return info, nil
	}
	text, err := d.GetXMLDesc(0)
	if err != nil {
		return domainInfo{}, translate(err)
	}
	if info, err = parseDomain(text); err != nil {
		return domainInfo{}, &driverError{cause: errHypervisor, text: err.Error()}
	}
	c.mu.Lock()
	c.infos[uuid] = info
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
