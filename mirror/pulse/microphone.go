package pulse

import (
	"context"
	"errors"

	"github.com/jfreymuth/pulse/proto"
)

// Microphone is a source that hears what is played to the sink SpeakInto of its
// name. While it is there it is the server's default source, so that programs
// take it.
type Microphone struct {
	name   string
	conn   *editor
	before string // the default source before
}

// AddMicrophone adds a microphone to a server, as AddSource does. It goes with
// Close, or the next of its name.
func AddMicrophone(ctx context.Context, socket, name, title string) (*Microphone, error) {
	m := &Microphone{name: name}
	var err error
	if m.conn, err = openEditor(ctx, socket, title); err != nil {
		return nil, err
	}
	if err := m.add(ctx, title); err != nil {
		return nil, errors.Join(soundError(err, "the sound server refuses a microphone", ""), m.Close())
	}
	return m, nil
}

func (m *Microphone) add(ctx context.Context, title string) error {
	var info proto.GetServerInfoReply
	if err := m.conn.client.Request(&proto.GetServerInfo{}, &info); err != nil {
		return err
	}
	if err := m.conn.addSource(ctx, m.name, title); err != nil {
		return err
	}
	if info.DefaultSourceName != m.name { // else it was left of another one
		m.before = info.DefaultSourceName
	}
	return m.conn.client.Request(&proto.SetDefaultSource{SourceName: m.name}, nil)
}

// Close takes the microphone away; the default source is again what it was.
func (m *Microphone) Close() error {
	if m.before != "" {
		// It may be gone; then the server chooses.
		_ = m.conn.client.Request(&proto.SetDefaultSource{SourceName: m.before}, nil)
	}
	return errors.Join(m.conn.removeSource(m.name), m.conn.close())
}
