package webm

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"

	"hither/fusion"
)

// File is where a recording goes; *os.File is one.
type File interface {
	io.WriterAt
	Truncate(size int64) error
}

// Config says what the file holds. Width and Height are required.
type Config struct {
	Width, Height int    // pixels
	Audio         *Audio // nil: the recording is silent, unless AddAudio comes
	App           string // the program that records; default "hither"
}

// Audio is a track of Opus.
type Audio struct {
	Channels int // 1 or 2
	PreSkip  int // samples of 48 kHz that the decoder drops at the beginning
}

// longestCluster is how long a cluster may be: times in it have 16 bits with a
// sign, in ms.
const longestCluster = 30 * time.Second

// Writer writes one file. After an error it writes no more, and what stands in
// the file plays; Close tries to finish even then.
type Writer struct {
	file File
	cfg  Config
	end  int64 // bytes written
	err  error // the first

	segment int64 // where the segment's content begins
	info    int64
	tracks  int64
	length  int64 // where the duration stands

	cluster int64         // where the open one begins, 0 before the first
	began   time.Duration // its time
	last    time.Duration // the end so far
	cues    webm.Cues
}

// New writes the beginning of a file, which must be empty. It does not close
// it.
func New(file File, cfg Config) (*Writer, error) {
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Audio != nil && (cfg.Audio.Channels < 1 || cfg.Audio.Channels > 2) {
		return nil, &fusion.Error{Op: "webm", Cause: fusion.ErrInvalid, Detail: fmt.Sprintf("%d×%d pixels, sound %v", cfg.Width, cfg.Height, cfg.Audio)}
	}
	if cfg.App == "" {
		cfg.App = "hither"
	}
	w := &Writer{file: file, cfg: cfg}
	if err := w.begin(); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *Writer) begin() error {
	w.write(encode(header()))
	w.segment = w.end
	w.write(room(contents))
	w.info = w.end
	a := new(about)
	a.Info.TimecodeScale, a.Info.MuxingApp, a.Info.WritingApp = scale, "hither", w.cfg.App
	w.write(encode(a))
	w.length = w.end - 8
	w.tracks = w.end
	w.write(encode(&tracks{entries(w.cfg)}))
	if w.cfg.Audio == nil {
		w.write(room(audioRoom))
	}
	return w.err
}

// AddAudio adds the track of sound to a file that was begun without one, into
// the room that is kept for it. The sound may begin at any time.
func (w *Writer) AddAudio(a Audio) error {
	if w.cfg.Audio != nil || a.Channels < 1 || a.Channels > 2 {
		return &fusion.Error{Op: "webm", Cause: fusion.ErrInvalid, Detail: fmt.Sprintf("a track of %d channels", a.Channels)}
	}
	if w.err != nil {
		return w.err
	}
	w.cfg.Audio = &a
	var b []byte
	b, w.err = w.retracked()
	if w.err == nil {
		w.over(w.tracks, b)
	}
	return w.err
}

// retracked gives the tracks in the place of those without sound and the room
// behind them.
func (w *Writer) retracked() ([]byte, error) {
	silent := w.cfg
	silent.Audio = nil
	before, err := encode(&tracks{entries(silent)})
	if err != nil {
		return nil, err
	}
	after, err := encode(&tracks{entries(w.cfg)})
	if err != nil {
		return nil, err
	}
	rest, err := room(len(before) + audioRoom - len(after))
	return append(after, rest...), err
}

// Video adds a frame of VP9 that is shown from a time on. Times of a track must
// rise. The first frame must be a key frame.
func (w *Writer) Video(at time.Duration, key bool, frame []byte) error {
	if key {
		w.turn(at)
	}
	err := w.block(videoTrack, at, key, frame)
	if key && err == nil {
		w.cue(at)
	}
	return err
}

// Sound adds a packet of Opus, which is heard from a time on. It needs
// Config.Audio or AddAudio. Players count its samples: where none were sent,
// the caller adds silence.
func (w *Writer) Sound(at time.Duration, packet []byte) error {
	return w.block(audioTrack, at, true, packet)
}

// Lasts notes that the recording goes on until a time, although nothing
// changed.
func (w *Writer) Lasts(until time.Duration) error {
	if w.err == nil && until > w.last {
		w.last = until
		w.err = w.patchLength()
	}
	return w.err
}

// Close finishes the file, which lasts until a time. It gives the first error
// of the writer.
func (w *Writer) Close(until time.Duration) error {
	w.last = max(w.last, until)
	w.endCluster()
	at := w.end
	w.write(encode(&cues{w.cues}))
	w.over(w.segment-unknownSize, size(w.end-w.segment))
	if w.end > at {
		w.list(at)
	}
	if err := w.patchLength(); w.err == nil {
		w.err = err
	}
	return w.err
}

// block writes one block, in a new cluster where its time does not fit.
func (w *Writer) block(track uint64, at time.Duration, key bool, data []byte) error {
	if w.cluster == 0 || at-w.began > longestCluster || w.began-at > longestCluster {
		w.turn(at)
	}
	w.write(encode(&block{ebml.Block{TrackNumber: track, Timecode: int16((at - w.began).Milliseconds()), Keyframe: key,
		Data: [][]byte{data}}}))
	return w.Lasts(at)
}

// turn ends the open cluster and begins another one.
func (w *Writer) turn(at time.Duration) {
	w.endCluster()
	c := new(cluster)
	c.Cluster.Timecode = uint64(at.Milliseconds())
	begin := w.end
	if w.write(encode(c)); w.err == nil {
		w.cluster, w.began = begin, at.Truncate(time.Millisecond)
	}
}

func (w *Writer) endCluster() {
	if w.cluster != 0 {
		w.over(w.cluster+clusterHeader-unknownSize, size(w.end-w.cluster-clusterHeader))
	}
}

func (w *Writer) cue(at time.Duration) {
	w.cues.CuePoint = append(w.cues.CuePoint, webm.CuePoint{CueTime: uint64(at.Milliseconds()),
		CueTrackPositions: []webm.CueTrackPosition{{CueTrack: videoTrack, CueClusterPosition: uint64(w.cluster - w.segment)}}})
}

// list writes the table of contents into its room.
func (w *Writer) list(cues int64) {
	var s seekHead
	for _, e := range []struct {
		id []byte
		at int64
	}{{infoID, w.info}, {tracksID, w.tracks}, {cuesID, cues}} {
		s.SeekHead.Seek = append(s.SeekHead.Seek, webm.Seek{SeekID: e.id, SeekPosition: uint64(e.at - w.segment)})
	}
	b, err := encode(&s)
	if err == nil {
		var rest []byte
		rest, err = room(contents - len(b))
		b = append(b, rest...)
	}
	if err != nil {
		w.err = err
		return
	}
	w.over(w.segment, b)
}

func (w *Writer) patchLength() error {
	bits := math.Float64bits(float64(w.last.Milliseconds()))
	_, err := w.file.WriteAt(binary.BigEndian.AppendUint64(nil, bits), w.length)
	return err
}

// write appends b, or takes back what of it came into the file.
func (w *Writer) write(b []byte, err error) {
	if w.err != nil {
		return
	}
	if err == nil {
		_, err = w.file.WriteAt(b, w.end)
	}
	if err != nil {
		w.err = err
		_ = w.file.Truncate(w.end) // half a block at the end is skipped too
		return
	}
	w.end += int64(len(b))
}

// over writes over what stands at a place, which needs no space.
func (w *Writer) over(at int64, b []byte) {
	if _, err := w.file.WriteAt(b, at); err != nil && w.err == nil {
		w.err = err
	}
}
