package pulse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jfreymuth/pulse/proto"
)

// Microphone is a source that hears what is played to a sink made for it. While
// it is there it is the server's default source, so that programs take it.
type Microphone struct {
	// Sink is what to play to.
	Sink string

	conn    *connection
	modules []uint32
	before  string // the default source before
}

// AddMicrophone adds a microphone to a server, whose name must be made of letters,
// digits and underscores; programs show title. What is left of one of this name, as
// after a crash, goes first. It promises ErrUnsupported where no server answers.
func AddMicrophone(ctx context.Context, socket, name, title string) (*Microphone, error) {
	m := &Microphone{Sink: name + "_speaking"}
	var err error
	if m.conn, err = connect(ctx, socket, title, func(any) {}, func() {}); err != nil {
		return nil, err
	}
	if err := m.add(name, title); err != nil {
		return nil, errors.Join(soundError(err, "no microphone could be added to the sound server", ""), m.Close())
	}
	return m, nil
}

func (m *Microphone) add(name, title string) error {
	if err := m.clear(name); err != nil {
		return err
	}
	var info proto.GetServerInfoReply
	if err := m.conn.client.Request(&proto.GetServerInfo{}, &info); err != nil {
		return err
	}
	title = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`"'\`, r) {
			return -1
		}
		return r
	}, title)
	sink := fmt.Sprintf("sink_name=%s rate=%d channels=1 sink_properties=\"device.description='%s'\"", m.Sink, Rate, title)
	if m.load("module-null-sink", sink+" norewinds=1") != nil { // PulseAudio 15
		if err := m.load("module-null-sink", sink); err != nil {
			return err
		}
	}
	source := fmt.Sprintf("source_name=%s master=%s.monitor source_properties=\"device.description='%s'\"", name, m.Sink, title)
	if err := m.load("module-remap-source", source); err != nil {
		return err
	}
	m.before = info.DefaultSourceName
	return m.conn.client.Request(&proto.SetDefaultSource{SourceName: name}, nil)
}

func (m *Microphone) load(module, args string) error {
	var reply proto.LoadModuleReply
	if err := m.conn.client.Request(&proto.LoadModule{Name: module, Args: args}, &reply); err != nil {
		return err
	}
	m.modules = append(m.modules, reply.ModuleIndex)
	return nil
}

// clear takes away what is left of a microphone of this name.
func (m *Microphone) clear(name string) error {
	var all proto.GetModuleInfoListReply
	if err := m.conn.client.Request(&proto.GetModuleInfoList{}, &all); err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- {
		args := all[i].ModuleArgs + " "
		if strings.HasPrefix(args, "source_name="+name+" ") || strings.HasPrefix(args, "sink_name="+m.Sink+" ") {
			if err := m.conn.client.Request(&proto.UnloadModule{ModuleIndex: all[i].ModuleIndex}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close takes the microphone away; the default source is again what it was.
func (m *Microphone) Close() error {
	var failed error
	if m.before != "" {
		// It may be gone; then the server chooses.
		_ = m.conn.client.Request(&proto.SetDefaultSource{SourceName: m.before}, nil)
	}
	for i := len(m.modules) - 1; i >= 0; i-- {
		failed = errors.Join(failed, m.conn.client.Request(&proto.UnloadModule{ModuleIndex: m.modules[i]}, nil))
	}
	return errors.Join(failed, m.conn.close())
}
