package folder

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/syncthing/syncthing/lib/config"
	"github.com/syncthing/syncthing/lib/db"
	"github.com/syncthing/syncthing/lib/db/backend"
	"github.com/syncthing/syncthing/lib/events"
	"github.com/syncthing/syncthing/lib/model"
	"github.com/syncthing/syncthing/lib/protocol"
	"github.com/syncthing/syncthing/lib/tlsutil"
)

// engine is Syncthing's model with what it stands on: events, settings and the
// database. Its settings live in memory only and are made from the ledger.
type engine struct {
	id       protocol.DeviceID
	settings config.Wrapper
	model    model.Model
	keys     *protocol.KeyGenerator
	index    *db.Lowlevel
	services []*service     // in the order they were started
	tasks    sync.WaitGroup // rescans

	mu      sync.Mutex           // guards the fields below
	since   map[string]time.Time // when each folder was started
	scanned map[string]bool      // folders whose first scan since then is done
}

// service is one running part of the engine.
type service struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid once done is closed
}

// startEngine opens the database and runs the model. changed is called after
// every event that may change what a folder shows; it must not block.
func startEngine(cfg Config, cert tls.Certificate, want settings, changed func()) (*engine, error) {
	store, err := backend.Open(filepath.Join(cfg.Dir, "index"), backend.TuningAuto)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	id := protocol.NewDeviceID(cert.Certificate[0])
	e := &engine{id: id, keys: protocol.NewKeyGenerator(), since: map[string]time.Time{}, scanned: map[string]bool{}}
	bus := events.NewLogger()
	if e.index, err = db.NewLowlevel(store, bus); err != nil {
		return nil, errors.Join(fmt.Errorf("index: %w", err), store.Close())
	}
	if err := db.UpdateSchema(e.index); err != nil {
		return nil, errors.Join(fmt.Errorf("index: %w", err), e.index.Close())
	}
	first := baseConfiguration(id, cfg.Name)
	want.write(&first)
	e.expect(want)
	for _, folder := range e.index.ListFolders() {
		if _, _, kept := first.Folder(folder); !kept {
			db.DropFolder(e.index, folder)
		}
	}
	e.settings = config.Wrap("", first, id, bus) // "": never written
	e.run("events", bus.Serve)
	e.run("settings", e.settings.Serve)
	e.run("index", e.index.Serve)
	news := bus.Subscribe(interesting)
	e.run("news", func(context.Context) error {
		for range news.C() { // closed when the events service ends
			changed()
		}
		return nil
	})
	e.model = model.NewModel(e.settings, id, e.index, nil, bus, e.keys)
	e.run("model", e.model.Serve)
	return e, nil
}

// interesting are the events after which a folder may show something new.
const interesting = events.StateChanged | events.LocalIndexUpdated | events.RemoteIndexUpdated |
	events.DownloadProgress | events.RemoteDownloadProgress | events.DeviceConnected | events.DeviceDisconnected |
	events.ClusterConfigReceived | events.FolderErrors | events.FolderScanProgress

func (e *engine) run(name string, serve func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &service{name: name, cancel: cancel, done: make(chan struct{})}
	e.services = append(e.services, s)
	go func() { // stop waits for it
		defer close(s.done)
		s.err = serve(ctx)
	}()
}

// failed gives why a part of the engine ended by itself, or nil.
func (e *engine) failed() error {
	for _, s := range e.services {
		select {
		case <-s.done:
			return fmt.Errorf("%s ended: %w", s.name, s.err)
		default:
		}
	}
	return nil
}

// stop ends the parts in reverse and closes the database. The one that reads
// the events ends with the events.
func (e *engine) stop() {
	for i := len(e.services) - 1; i >= 0; i-- {
		s := e.services[i]
		s.cancel()
		if s.name != "news" {
			<-s.done
		}
		if s.name == "index" {
			e.index.Close()
		}
	}
	for _, s := range e.services {
		<-s.done
	}
	e.tasks.Wait()
}

// rescan looks at a folder anew, without waiting for it.
func (e *engine) rescan(id string) {
	e.tasks.Go(func() {
		_ = e.model.ScanFolder(id) // its outcome is the folder's state
	})
}

// configure makes the running model follow want, and returns when it does. The
// caller sees to it that calls do not overlap, and none comes after stop.
func (e *engine) configure(want settings) error {
	if err := e.failed(); err != nil {
		return err
	}
	e.expect(want)
	waiter, err := e.settings.Modify(func(c *config.Configuration) { want.write(c) })
	if err != nil {
		return err
	}
	waiter.Wait()
	return nil
}

// expect notes which folders are new, and forgets those that are gone.
func (e *engine) expect(want settings) {
	e.mu.Lock()
	defer e.mu.Unlock()
	since, scanned := map[string]time.Time{}, map[string]bool{}
	for _, f := range want.folders {
		begin, known := e.since[f.id]
		if !known {
			begin = time.Now().Truncate(time.Second) // as the engine notes its scans
		}
		since[f.id], scanned[f.id] = begin, e.scanned[f.id]
	}
	e.since, e.scanned = since, scanned
}

// loadCertificate reads the device key of dir, and makes it the first time.
func loadCertificate(dir string) (tls.Certificate, error) {
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if !errors.Is(err, os.ErrNotExist) {
		return cert, err
	}
	// Both or none after a crash: the certificate is read first, so it is put
	// in place last.
	temp := certFile + ".new"
	if _, err := tlsutil.NewCertificate(temp, keyFile, "syncthing", 20*365); err != nil {
		return tls.Certificate{}, err
	}
	if err := os.Rename(temp, certFile); err != nil {
		return tls.Certificate{}, err
	}
	return tls.LoadX509KeyPair(certFile, keyFile)
}
