package pulse

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"hither/fusion"
)

const (
	// Rate is how many samples a second each channel has.
	Rate = 48000

	cookieSize = 256
	answerTime = 5 * time.Second // that a server may take for a request
)

func soundError(cause error, detail, hint string) error {
	return &fusion.Error{Op: "sound", Cause: cause, Detail: detail, Hint: hint}
}

// Session gives the socket of the session's sound server: the first one in this
// computer that PULSE_SERVER names, else where servers have theirs. It promises
// ErrUnsupported where there is none.
func Session() (string, error) {
	if named := os.Getenv("PULSE_SERVER"); named != "" {
		if path := local(named); path != "" {
			return path, there(path)
		}
		return "", soundError(fusion.ErrUnsupported, "PULSE_SERVER names a server in the network",
			"name the socket of one in this computer: PULSE_SERVER=unix:/run/user/UID/pulse/native")
	}
	runtime := os.Getenv("XDG_RUNTIME_DIR")
	if runtime == "" {
		runtime = filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
	}
	path := filepath.Join(runtime, "pulse", "native")
	return path, there(path)
}

// there says whether a server has its socket.
func there(path string) error {
	if _, err := os.Stat(path); err != nil {
		return soundError(fusion.ErrUnsupported, "no sound server runs",
			"start PulseAudio or PipeWire (pipewire-pulse) in this session")
	}
	return nil
}

// local gives the first socket's path of a server string, which is a list of
// addresses, each perhaps behind a machine's name in braces.
func local(servers string) string {
	for address := range strings.FieldsSeq(servers) {
		if _, rest, named := strings.Cut(address, "}"); named {
			address = rest
		}
		address = strings.TrimPrefix(address, "unix:")
		if filepath.IsAbs(address) {
			return address
		}
	}
	return ""
}

// connection is one to a server. hear is called with what the server says by
// itself, from the goroutine that reads; it must not wait. lost is called once
// nothing comes any more.
type connection struct {
	client proto.Client
	net    net.Conn
}

// connect opens a connection and names it.
func connect(ctx context.Context, socket, title string, hear func(any), lost func()) (*connection, error) {
	raw, err := (&net.Dialer{Control: credentials}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, soundError(fusion.ErrUnsupported, "no sound server answers: "+err.Error(),
			"start PulseAudio or PipeWire (pipewire-pulse) there")
	}
	c := &connection{net: raw}
	c.client.Callback = hear
	c.client.SetTimeout(answerTime)
	c.client.Open(watched{raw, lost})
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	var auth proto.AuthReply
	if err := c.client.Request(&proto.Auth{Version: c.client.Version(), Cookie: cookie()}, &auth); err != nil {
		return nil, errors.Join(soundError(fusion.ErrPermission, err.Error(),
			"the sound server belongs to another user; start Hither as that user"), raw.Close())
	}
	c.client.SetVersion(auth.Version)
	props := proto.PropList{
		"application.name":       proto.PropListString("Hither"),
		"application.icon_name":  proto.PropListString("hither"),
		"application.process.id": proto.PropListString(strconv.Itoa(os.Getpid())),
		"media.name":             proto.PropListString(title),
	}
	if err := c.client.Request(&proto.SetClientName{Props: props}, &proto.SetClientNameReply{}); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return c, ctx.Err()
}

func (c *connection) close() error { return c.net.Close() }

// cookie is what lets another user in. A server of this user's own needs none.
func cookie() []byte {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/"
	}
	for _, path := range []string{os.Getenv("PULSE_COOKIE"), filepath.Join(home, ".config/pulse/cookie"), filepath.Join(home, ".pulse-cookie")} {
		if b, err := os.ReadFile(path); err == nil && len(b) == cookieSize {
			return b
		}
	}
	return make([]byte, cookieSize)
}

// watched tells when reading has failed.
type watched struct {
	net.Conn
	lost func()
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err != nil {
		w.lost()
	}
	return n, err
}

// Stream says what is played or recorded. Title and Channels are required.
type Stream struct {
	// Title is what volume controls show.
	Title string
	// Channels is 1 or 2.
	Channels int
	// Device is the sink to play to, or the source to record from; default:
	// the server's. Monitor stands for the monitor of the default sink, and
	// moves along when another sink becomes that.
	Device string
}

// Monitor is the Device that hears what the default sink plays.
const Monitor = "@DEFAULT_MONITOR@"

// spec and channelMap are what a server is told of the samples.
func (s Stream) spec() proto.SampleSpec {
	return proto.SampleSpec{Format: proto.FormatInt16LE, Channels: byte(s.Channels), Rate: Rate}
}

func (s Stream) channelMap() proto.ChannelMap {
	if s.Channels == 1 {
		return proto.ChannelMap{proto.ChannelMono}
	}
	return proto.ChannelMap{proto.ChannelLeft, proto.ChannelRight}
}

// volumes are full for each channel.
func (s Stream) volumes() proto.ChannelVolumes {
	all := make(proto.ChannelVolumes, s.Channels)
	for i := range all {
		all[i] = uint32(proto.VolumeNorm)
	}
	return all
}

func (s Stream) properties() proto.PropList {
	return proto.PropList{"media.name": proto.PropListString(s.Title)}
}

// bytes is how much of the stream lasts d.
func (s Stream) bytes(d time.Duration) uint32 {
	return uint32(d.Milliseconds()) * Rate / 1000 * uint32(s.Channels) * 2
}
