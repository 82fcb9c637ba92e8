package pulse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jfreymuth/pulse/proto"
)

// AddSink adds a sink to a server that plays nowhere: what programs play to it,
// only its monitor hears. Its name must be made of letters, digits and underscores;
// programs show title. It stays until RemoveSink, or the server's end. What is left
// of one of this name goes first. AddSink promises ErrUnsupported where no server
// answers.
func AddSink(ctx context.Context, socket, name, title string) error {
	return edit(ctx, socket, title, func(e *editor) error {
		if err := e.unload("sink_name=" + name); err != nil {
			return err
		}
		return e.loadSink(name, 2, title)
	})
}

// AddSource adds a source that hears what is played to a sink of the name
// SpeakInto(name), which comes with it. It is as AddSink otherwise.
func AddSource(ctx context.Context, socket, name, title string) error {
	return edit(ctx, socket, title, func(e *editor) error { return e.addSource(ctx, name, title) })
}

// RemoveSink takes a sink away.
func RemoveSink(ctx context.Context, socket, name string) error {
	return edit(ctx, socket, name, func(e *editor) error { return e.unload("sink_name=" + name) })
}

// RemoveSource takes away a source and the sink of it.
func RemoveSource(ctx context.Context, socket, name string) error {
	return edit(ctx, socket, name, func(e *editor) error { return e.removeSource(name) })
}

// SpeakInto is the sink of a source.
func SpeakInto(source string) string { return source + "_speaking" }

// edit changes a server's modules.
func edit(ctx context.Context, socket, title string, do func(*editor) error) error {
	e, err := openEditor(ctx, socket, title)
	if err != nil {
		return err
	}
	if err = do(e); err != nil {
		err = soundError(err, "the sound server refuses a device", "")
	}
	return errors.Join(err, e.close())
}

// editor is a connection that changes modules. A value waits in changed after a
// source came or went, and after the connection was lost.
type editor struct {
	*connection
	changed chan struct{}
}

func openEditor(ctx context.Context, socket, title string) (*editor, error) {
	e := &editor{changed: make(chan struct{}, 1)}
	wake := func() {
		select {
		case e.changed <- struct{}{}:
		default:
		}
	}
	hear := func(m any) {
		if _, ok := m.(*proto.SubscribeEvent); ok {
			wake()
		}
	}
	var err error
	e.connection, err = connect(ctx, socket, title, hear, wake)
	return e, err
}

func (e *editor) addSource(ctx context.Context, name, title string) error {
	if err := e.removeSource(name); err != nil {
		return err
	}
	if err := e.loadSink(SpeakInto(name), 1, title); err != nil {
		return err
	}
	args := fmt.Sprintf("source_name=%s master=%s.monitor source_properties=%s", name, SpeakInto(name), described(title))
	if err := e.load("module-remap-source", args); err != nil {
		return err
	}
	return e.await(ctx, name)
}

// await waits until a source is there: with PipeWire it comes some time after its
// module.
func (e *editor) await(ctx context.Context, source string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := e.client.Request(&proto.Subscribe{Mask: proto.SubscriptionMaskSource}, nil); err != nil {
		return err
	}
	for {
		err := e.client.Request(&proto.GetSourceInfo{SourceIndex: proto.Undefined, SourceName: source}, &proto.GetSourceInfoReply{})
		if !errors.Is(err, proto.ErrNoSuchEntity) {
			return err
		}
		select {
		case <-e.changed:
		case <-ctx.Done():
			return err
		}
	}
}

func (c *connection) removeSource(name string) error {
	return errors.Join(c.unload("source_name="+name), c.unload("sink_name="+SpeakInto(name)))
}

func (c *connection) loadSink(name string, channels int, title string) error {
	args := fmt.Sprintf("sink_name=%s rate=%d channels=%d sink_properties=%s", name, Rate, channels, described(title))
	if c.load("module-null-sink", args+" norewinds=1") == nil { // PulseAudio 15; it plays at once then
		return nil
	}
	return c.load("module-null-sink", args)
}

func (c *connection) load(module, args string) error {
	return c.client.Request(&proto.LoadModule{Name: module, Args: args}, &proto.LoadModuleReply{})
}

// unload takes away the modules whose first argument this is.
func (c *connection) unload(first string) error {
	var all proto.GetModuleInfoListReply
	if err := c.client.Request(&proto.GetModuleInfoList{}, &all); err != nil {
		return err
	}
	var failed error
	for _, m := range all {
		if strings.HasPrefix(m.ModuleArgs+" ", first+" ") {
			failed = errors.Join(failed, c.client.Request(&proto.UnloadModule{ModuleIndex: m.ModuleIndex}, nil))
		}
	}
	return failed
}

// described are the properties of a device with a title.
func described(title string) string {
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`"'\`, r) || r < ' ' {
			return -1
		}
		return r
	}, title)
	return `"device.description='` + plain + `'"`
}
