//go:build amd64 || arm64

package wlinput

// Text types a text on keyboards of its own, whose keys are its characters, so
// that neither the layout nor what is held or locked changes it.
func (h *Hand) Text(text string) error {
	for _, s := range sheets(text) {
		keyboard, err := h.makeKeyboard(s.keymap)
		if err != nil {
			return err
		}
		const key, destroy = 1, 3
		for _, code := range s.keys {
			if err := h.give(write(keyboard, key, h.now(), code, state(true)), write(keyboard, key, h.now(), code, state(false))); err != nil {
				return err
			}
		}
		if err := h.give(write(keyboard, destroy)); err != nil {
			return err
		}
	}
	return h.conn.roundTrip(func(event) {})
}
