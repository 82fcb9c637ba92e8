//go:build linux && e2e

package rtc

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
	"hither/internal/path"
	"hither/mirror/wire"
)

// partEnv makes this test program one side of a view: "host", "viewer",
// "host-tcp" or "viewer-tcp". Both say lines on standard output and hear lines
// on standard input, which the test carries between them.
const partEnv = "HITHER_RTC_PART"

func TestMain(m *testing.M) {
	parts := map[string]func(*bufio.Reader) error{"host": hostPart, "viewer": viewerPart, "host-tcp": hostTCP, "viewer-tcp": viewerTCP}
	part, ok := parts[os.Getenv(partEnv)]
	if !ok {
		goleak.VerifyTestMain(m)
		return
	}
	if err := part(bufio.NewReader(os.Stdin)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// say and hear carry one string as a line.
func say(text string) error { return json.NewEncoder(os.Stdout).Encode(text) }

func hear(r *bufio.Reader) (text string, err error) {
	line, err := r.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &text)
	}
	return text, err
}

// answering sends as many bytes as each message asks for.
type answering struct{ done chan error }

func (a answering) Close() error { a.done <- errors.New("the viewer did not come"); return nil }

func (a answering) Run(viewer fusion.Pipe) error {
	a.done <- answerAll(viewer)
	return nil
}

func answerAll(viewer fusion.Pipe) error {
	for {
		m, err := viewer.Read()
		if err != nil {
			return nil
		}
		size := int(binary.BigEndian.Uint32(m))
		for size > 0 {
			n := min(size, wire.MaxMessage)
			size -= n
			write := viewer.Write
			if b, ok := viewer.(wire.Batcher); ok && size > 0 {
				write = b.WriteMore
			}
			if err := write(make([]byte, n)); err != nil {
				return err
			}
		}
	}
}

func hostPart(in *bufio.Reader) error {
	g := NewGateway(Config{})
	defer g.Close()
	offer, err := hear(in)
	if err != nil {
		return err
	}
	a := answering{make(chan error, 1)}
	answer, err := g.Answer(context.Background(), offer, func(context.Context) (Session, error) { return a, nil })
	if err != nil {
		return err
	}
	if err := say(answer); err != nil {
		return err
	}
	return <-a.done
}

func viewerPart(in *bufio.Reader) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := time.Now()
	pipe, err := Dial(ctx, func(_ context.Context, offer string) (string, error) {
		if err := say(offer); err != nil {
			return "", err
		}
		return hear(in)
	})
	if err != nil {
		return err
	}
	defer pipe.Close()
	return measure(pipe, time.Since(start))
}

func hostTCP(in *bufio.Reader) error {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return err
	}
	defer l.Close()
	if err := say(fmt.Sprint(l.Addr().(*net.TCPAddr).Port)); err != nil {
		return err
	}
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	return answerAll(wire.Stream(conn))
}

func viewerTCP(in *bufio.Reader) error {
	if err := say(""); err != nil {
		return err
	}
	port, err := hear(in)
	if err != nil {
		return err
	}
	start := time.Now()
	conn, err := net.Dial("tcp", net.JoinHostPort(os.Getenv("HITHER_RTC_HOST"), port))
	if err != nil {
		return err
	}
	pipe := wire.Stream(conn)
	defer pipe.Close()
	return measure(pipe, time.Since(start))
}

// result is what the viewer says at its end; times are sorted.
type result struct {
	Connect time.Duration
	Small   []time.Duration // a key and 400 bytes back
	Frame   []time.Duration // a key and 12 kB back
	Bulk    time.Duration   // bulkSize back
}

const bulkSize = 8 << 20

func measure(pipe fusion.Pipe, connect time.Duration) (err error) {
	r := result{Connect: connect}
	if r.Small, err = trips(pipe, 300, 400); err != nil {
		return err
	}
	if r.Frame, err = trips(pipe, 300, 12_000); err != nil {
		return err
	}
	bulk, err := trips(pipe, 1, bulkSize)
	if err != nil {
		return err
	}
	r.Bulk = bulk[0]
	return json.NewEncoder(os.Stdout).Encode(r)
}

// trips asks for size bytes every 25 ms and measures until they are there.
func trips(pipe fusion.Pipe, count, size int) (times []time.Duration, err error) {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for range count {
		<-tick.C
		start := time.Now()
		if err := pipe.Write(binary.BigEndian.AppendUint32(nil, uint32(size))); err != nil {
			return nil, err
		}
		for left := size; left > 0; {
			m, err := pipe.Read()
			if err != nil {
				return nil, err
			}
			left -= len(m)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times, nil
}

// side is one part that runs.
type side struct {
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Reader
}

func start(t *testing.T, where *path.Side, part, host string) side {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), partEnv+"="+part, "HITHER_RTC_HOST="+host)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := where.Start(cmd); err != nil {
		t.Fatal(err)
	}
	return side{cmd, in, bufio.NewReader(out)}
}

// pass carries one line.
func pass(t *testing.T, from, to side) {
	t.Helper()
	line, err := from.out.ReadBytes('\n')
	if err == nil {
		_, err = to.in.Write(line)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// overPath measures a carrier on a path.
func overPath(t *testing.T, cfg path.Config, suffix string) (r result) {
	t.Helper()
	p, err := path.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	host := start(t, p.Far, "host"+suffix, "")
	viewer := start(t, p.Near, "viewer"+suffix, p.Far.Addr.String())
	pass(t, viewer, host)
	pass(t, host, viewer)
	line, err := viewer.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err := errors.Join(err, viewer.cmd.Wait(), host.cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	t.Logf("connected in %v; small p50 %v p99 %v; frame p50 %v p99 %v; bulk %.1f MB/s; host sent %+v",
		r.Connect, at(r.Small, 50), at(r.Small, 99), at(r.Frame, 50), at(r.Frame, 99), bulkSize/r.Bulk.Seconds()/1e6, p.Far.Count())
	return r
}

func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[len(sorted)*percent/100].Round(100 * time.Microsecond)
}

// TestLossIsNotNoticed: over 40 ms of which each way loses 1 %, a key and its
// answer take hardly longer than without loss, the slow ones less than over TCP,
// and a large frame comes faster. What a machine that does nothing else reaches
// is in virtual time in mirror/link, and measured by mirror/bench.
func TestLossIsNotNoticed(t *testing.T) {
	cfg := path.Config{Shape: path.Shape{Delay: 20 * time.Millisecond}, Seed: 11, Congestion: "cubic"}
	clean := overPath(t, cfg, "")
	cfg.Loss = 0.01
	link := overPath(t, cfg, "")
	tcp := overPath(t, cfg, "-tcp")
	for name, times := range map[string][3][]time.Duration{"small": {clean.Small, link.Small, tcp.Small}, "frame": {clean.Frame, link.Frame, tcp.Frame}} {
		if c, l := at(times[0], 50), at(times[1], 50); l > c+6*time.Millisecond {
			t.Errorf("%s: p50 %v, without loss %v", name, l, c)
		}
		if l, c := at(times[1], 99), at(times[2], 99); l > c {
			t.Errorf("%s: p99 %v, over TCP %v", name, l, c)
		}
	}
	if link.Bulk > tcp.Bulk {
		t.Errorf("%v for what takes TCP %v", link.Bulk, tcp.Bulk)
	}
}
