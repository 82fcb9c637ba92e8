package webm

import (
	"bytes"
	"encoding/binary"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
)

// The elements of the beginning, in the order of the file.
type (
	headers struct {
		Header  webm.EBMLHeader `ebml:"EBML"`
		Segment struct{}        `ebml:"Segment,size=unknown"`
	}
	void struct {
		Void []byte
	}
	about struct {
		Info struct {
			TimecodeScale uint64
			MuxingApp     string
			WritingApp    string
			Duration      float64 // last, so that its place is known
		}
	}
	tracks struct{ Tracks webm.Tracks }
)

// The elements that follow.
type (
	cluster struct {
		Cluster struct{ Timecode uint64 } `ebml:"Cluster,size=unknown"`
	}
	block    struct{ SimpleBlock ebml.Block }
	seekHead struct{ SeekHead webm.SeekHead }
	cues     struct{ Cues webm.Cues }
)

const (
	segmentHeader = 12 // ID and size
	clusterHeader = 12
	unknownSize   = 8 // bytes of a size that is not known yet
	// contents is the room for the table of contents.
	contents = 128
	// audioRoom is the room for a track of sound that is added later.
	audioRoom = 120

	videoTrack = 1
	audioTrack = 2

	// scale is how many ns a unit of time has.
	scale = 1_000_000
)

// IDs that the table of contents names.
var (
	infoID   = []byte{0x15, 0x49, 0xa9, 0x66}
	tracksID = []byte{0x16, 0x54, 0xae, 0x6b}
	cuesID   = []byte{0x1c, 0x53, 0xbb, 0x6b}
)

// encode gives the bytes of a struct of elements.
func encode(elements any) ([]byte, error) {
	var b bytes.Buffer
	err := ebml.Marshal(elements, &b)
	return b.Bytes(), err
}

// size is a known size in the place of an unknown one (RFC 8794, section 4.4).
func size(bytes int64) []byte {
	return binary.BigEndian.AppendUint64(nil, 1<<56|uint64(bytes))
}

// room gives an element that means nothing and has so many bytes in all, at
// least 2 and fewer than 128.
func room(bytes int) ([]byte, error) { return encode(&void{make([]byte, bytes-2)}) }

func header() *headers {
	h := new(headers)
	h.Header = *webm.DefaultEBMLHeader
	return h
}

// entries describes the tracks.
func entries(cfg Config) webm.Tracks {
	list := []webm.TrackEntry{{TrackNumber: videoTrack, TrackUID: videoTrack, TrackType: 1, CodecID: "V_VP9",
		Video: &webm.Video{PixelWidth: uint64(cfg.Width), PixelHeight: uint64(cfg.Height)}}}
	if a := cfg.Audio; a != nil {
		const rate, preRoll = 48000, 80_000_000 // Hz, ns
		list = append(list, webm.TrackEntry{TrackNumber: audioTrack, TrackUID: audioTrack, TrackType: 2, CodecID: "A_OPUS",
			CodecPrivate: opusHead(a), CodecDelay: uint64(a.PreSkip) * 1_000_000_000 / rate, SeekPreRoll: preRoll,
			Audio: &webm.Audio{SamplingFrequency: rate, Channels: uint64(a.Channels)}})
	}
	return webm.Tracks{TrackEntry: list}
}

// opusHead is the identification header of one or two channels.
func opusHead(a *Audio) []byte {
	b := append([]byte("OpusHead"), 1, byte(a.Channels))
	b = binary.LittleEndian.AppendUint16(b, uint16(a.PreSkip))
	b = binary.LittleEndian.AppendUint32(b, 48000)
	return append(b, 0, 0, 0) // gain 0, mapping family 0
}
