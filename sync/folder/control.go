package folder

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"time"

	"hither/fusion"
)

const (
	// controlTime bounds one question and its answer.
	controlTime = 15 * time.Second
	// maxStreams that others opened are served at once; more are closed.
	maxStreams = 256
)

// accept serves the streams of other hosts until Close.
func (s *Store) accept() {
	slots := make(chan struct{}, maxStreams)
	for {
		stream, err := s.cfg.Listener.Accept()
		if err != nil {
			if s.ctx.Err() == nil {
				s.log.Error("folders no longer hear other hosts", "error", err)
			}
			return
		}
		select {
		case slots <- struct{}{}:
			s.spawn(func() {
				defer func() { <-slots }()
				s.serve(stream)
			})
		default:
			stream.Close()
		}
	}
}

// serve reads what a stream carries and serves it. Hosts that are not paired
// get an answer to a question, as they may be so by mistake, and no files.
func (s *Store) serve(stream net.Conn) {
	defer stream.Close()
	defer context.AfterFunc(s.ctx, func() { stream.Close() })()
	from, ok := stream.(interface{ Peer() fusion.HostID })
	if !ok {
		s.log.Error("a stream does not tell whose it is")
		return
	}
	host := from.Peer()
	if err := stream.SetDeadline(time.Now().Add(controlTime)); err != nil {
		return // broken already
	}
	var kind [1]byte
	if _, err := stream.Read(kind[:]); err != nil {
		return
	}
	var err error
	switch {
	case kind[0] == streamControl:
		err = s.reply(host, stream)
	case kind[0] != streamData:
		err = broken("stream of kind %q", kind[0])
	case s.cfg.Self < host || !s.sharesWith(host):
		err = broken("a link that is not wanted")
	default:
		err = s.serveLink(s.ctx, host, stream, false)
	}
	if err != nil {
		s.log.Debug("a stream was refused or broke", "host", s.nameOf(host), "error", err)
	}
}

// dial opens a stream and says what it carries.
func (s *Store) dial(ctx context.Context, host fusion.HostID, kind byte) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, controlTime)
	defer cancel()
	stream, err := s.cfg.Dial(ctx, host)
	if err != nil {
		return nil, err
	}
	err = stream.SetDeadline(time.Now().Add(controlTime))
	if err == nil {
		_, err = stream.Write([]byte{kind})
	}
	if err != nil {
		stream.Close()
		return nil, err
	}
	return stream, nil
}

// ask puts one question to a host. A refusal is in the answer, not an error.
func (s *Store) ask(ctx context.Context, host fusion.HostID, q question) (answer, error) {
	stream, err := s.dial(ctx, host, streamControl)
	if err != nil {
		return answer{}, err
	}
	defer stream.Close()
	defer context.AfterFunc(ctx, func() { stream.Close() })()
	q.Version, q.Device = 1, s.device().String()
	if err := writeMessage(stream, q); err != nil {
		return answer{}, err
	}
	a, err := readAnswer(stream)
	if err != nil {
		return answer{}, err
	}
	return a, s.learn(ctx, host, a.Device)
}

// learn remembers a host's device ID when it is new.
func (s *Store) learn(ctx context.Context, host fusion.HostID, device string) error {
	if s.ledger.Load().Devices[host] == device {
		return nil
	}
	return s.change(ctx, func(l *ledger) error { return l.bind(host, device) })
}

// reply answers the question on a stream.
func (s *Store) reply(host fusion.HostID, stream net.Conn) error {
	ctx, cancel := context.WithTimeout(s.ctx, controlTime)
	defer cancel()
	q, err := readQuestion(stream)
	var a answer
	if err == nil {
		a, err = s.consider(ctx, host, q)
	} else if !errors.As(err, new(*fusion.Error)) {
		return err // the stream broke: nobody waits for an answer
	}
	a.Version, a.Device = 1, s.device().String()
	if err != nil {
		a.Cause, a.Detail, a.Hint = describe(err)
	}
	return writeMessage(stream, a)
}

// consider does what a well-formed question asks.
func (s *Store) consider(ctx context.Context, host fusion.HostID, q question) (answer, error) {
	if _, _, ok := s.cfg.Paired(host); !ok {
		return answer{}, &fusion.Error{Op: "folder." + q.Op, Path: q.Name, Cause: fusion.ErrUnpaired,
			Hint: "pair the two hosts first: `hither pair`"}
	}
	if err := s.learn(ctx, host, q.Device); err != nil {
		return answer{}, err
	}
	switch q.Op {
	case opOffer:
		return answer{}, s.takeOffer(ctx, host, q)
	case opLeave:
		return answer{}, s.change(ctx, func(l *ledger) error {
			if f := l.byID(q.Folder); f != nil {
				f.unshare(host)
			}
			return nil
		})
	}
	return s.compare(host, q.Folders), nil
}

// compare says which of the folders that host believes both keep are not kept
// here with it.
func (s *Store) compare(host fusion.HostID, ids []string) (a answer) {
	kept := s.ledger.Load()
	for _, id := range ids {
		f, i := kept.byID(id), -1
		if f != nil {
			i = slices.IndexFunc(f.Shares, func(sh share) bool { return sh.Host == host })
		}
		switch {
		case i < 0:
			a.Missing = append(a.Missing, id)
		case f.Shares[i].Accepted && !s.allowed(f.Shares[i]):
			a.Denied = append(a.Denied, id)
		}
	}
	return a
}

// takeOffer keeps the offered folder at Root/NAME, or joins the host to it when
// it is kept already.
func (s *Store) takeOffer(ctx context.Context, host fusion.HostID, q question) error {
	_, own, _ := s.cfg.Paired(host)
	err := s.change(ctx, func(l *ledger) error {
		refuse := func(cause error, detail, hint string) error {
			return &fusion.Error{Op: "folder.share", Path: q.Name, Cause: cause, Detail: detail, Hint: hint}
		}
		if f := l.byID(q.Folder); f != nil {
			sh := f.share(host)
			if !own && !sh.Offered {
				return refuse(fusion.ErrPermission, s.cfg.Name+" does not take folders from this host",
					"on "+s.cfg.Name+", add files to what "+s.nameOf(host)+" may do there")
			}
			sh.Accepted = true
			return nil
		}
		if !own {
			return refuse(fusion.ErrPermission, s.cfg.Name+" does not take folders from this host",
				"on "+s.cfg.Name+", add files to what "+s.nameOf(host)+" may do there")
		}
		if l.byName(q.Name) != nil {
			return refuse(fusion.ErrExists, s.cfg.Name+" keeps another folder of this name",
				"remove one of the two, and add it under another name; its files stay")
		}
		path, err := s.places().check("folder.share", filepath.Join(s.cfg.Root, q.Name), l.Folders)
		if err != nil {
			return err
		}
		if err := makeDir(path); err != nil {
			return err
		}
		l.Folders = append(l.Folders, kept{ID: q.Folder, Name: q.Name, Path: path,
			Shares: []share{{Host: host, Accepted: true}}})
		return nil
	})
	if err == nil {
		s.log.Info("took a folder", "name", q.Name, "from", s.nameOf(host))
		s.online(host).wake()
	}
	return err
}
