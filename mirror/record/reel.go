package record

import (
	"bytes"
	"time"

	"hither/mirror/sound"
	"hither/mirror/webm"
)

// preSkip is how many samples the host's encoder looks ahead (RESTRICTED_LOWDELAY
// of libopus: 2.5 ms), which players drop at the beginning.
const preSkip = 120

// frame is one of the video.
type frame struct {
	at   time.Duration
	key  bool
	data []byte
}

// reel writes pictures and sound into the file in the order of their times, as
// players want it: with sound, a picture waits for the sound before it, for
// little more than a second.
type reel struct {
	*webm.Writer
	track  *track  // nil without sound
	frames []frame // that wait
	bytes  int64   // of sound
}

// hear adds packets of sound, the first of which begin a track.
func (r *reel) hear(began, since, now time.Time, packets []packet) error {
	if r.track == nil {
		if err := r.AddAudio(webm.Audio{Channels: 2, PreSkip: preSkip}); err != nil {
			return err
		}
		r.track = newTrack(began, since, r.heard)
	}
	r.track.waiting = append(r.track.waiting, packets...)
	if err := r.track.advance(now); err != nil {
		return err
	}
	return r.shown(time.Duration(r.track.next) * sound.Lasts)
}

// heard writes a packet, after the pictures before it.
func (r *reel) heard(at time.Duration, packet []byte) error {
	if err := r.shown(at); err != nil {
		return err
	}
	r.bytes += int64(len(packet))
	return r.Sound(at, packet)
}

// show writes a frame, or lets it wait.
func (r *reel) show(f frame) error {
	if r.track == nil {
		return r.Video(f.at, f.key, f.data)
	}
	f.data = bytes.Clone(f.data)
	r.frames = append(r.frames, f)
	return nil
}

// shown writes the frames that wait until a time.
func (r *reel) shown(until time.Duration) error {
	for len(r.frames) > 0 && r.frames[0].at <= until {
		f := r.frames[0]
		r.frames = r.frames[1:]
		if err := r.Video(f.at, f.key, f.data); err != nil {
			return err
		}
	}
	return nil
}

// end writes what waits. The recording lasts until a time.
func (r *reel) end(began time.Time, lasts time.Duration) error {
	if r.track != nil {
		if err := r.track.end(began.Add(lasts)); err != nil {
			return err
		}
	}
	return r.shown(lasts)
}
