package capture

import "time"

// QEMU looks for changes of a console 30 ms after it found some, and when it finds
// none, after ever longer: 80, 130 … 3,000 ms. What a guest draws for a key waits for
// that. A message of a client's keyboard or pointer sets it back to 30 ms, once
// (protocol_client_msg in ui/vnc.c), so for a while after each input there are
// messages that mean nothing.
const (
	attention = time.Second           // how long after an input
	beat      = 20 * time.Millisecond // less than QEMU's own 30
)

// noKey releases F24, which nobody holds: QEMU passes no release on of a key that is
// not held (qkbd_state_key_event in ui/kbd-state.c).
var noKey = []byte{255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x76}

// attend keeps QEMU looking for a while. mu is held.
func (k *keyboard) attend() {
	if !k.extended { // it is no QEMU
		return
	}
	k.attentive = time.Now().Add(attention)
	if k.beats == nil {
		k.beats = time.AfterFunc(beat, k.beat)
	}
}

func (k *keyboard) beat() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.beats == nil || time.Now().After(k.attentive) {
		k.beats = nil
		return
	}
	if _, err := k.conn.Write(noKey); err != nil {
		k.beats = nil // Next tells
		return
	}
	k.beats.Reset(beat)
}

// relax ends it.
func (k *keyboard) relax() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.beats != nil {
		k.beats.Stop()
		k.beats = nil
	}
}
