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
	return edit(ctx, socket, title, func(c *connection) error {
		if err := c.unload("sink_name=" + name); err != nil {
			return err
		}
		return c.loadSink(name, 2, title)
	})
}

// AddSource adds a source that hears what is played to a sink of the name
// SpeakInto(name), which comes with it. It is as AddSink otherwise.
func AddSource(ctx context.Context, socket, name, title string) error {
	return edit(ctx, socket, title, func(c *connection) error { return c.addSource(name, title) })
}

// RemoveSink takes a sink away.
func RemoveSink(ctx context.Context, socket, name string) error {
	return edit(ctx, socket, name, func(c *connection) error { return c.unload("sink_name=" + name) })
}

// RemoveSource takes away a source and the sink of it.
func RemoveSource(ctx context.Context, socket, name string) error {
	return edit(ctx, socket, name, func(c *connection) error { return c.removeSource(name) })
}

// SpeakInto is the sink of a source.
func SpeakInto(source string) string { return source + "_speaking" }

// edit changes a server's modules.
func edit(ctx context.Context, socket, title string, do func(*connection) error) error {
	c, err := connect(ctx, socket, title, func(any) {}, func() {})
	if err != nil {
		return err
	}
	if err = do(c); err != nil {
		err = soundError(err, "the sound server refuses a device", "")
	}
	return errors.Join(err, c.close())
}

func (c *connection) addSource(name, title string) error {
	if err := c.removeSource(name); err != nil {
		return err
	}
	if err := c.loadSink(SpeakInto(name), 1, title); err != nil {
		return err
	}
	return c.load("module-remap-source", fmt.Sprintf("source_name=%s master=%s.monitor source_properties=%s", name, SpeakInto(name), described(title)))
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
