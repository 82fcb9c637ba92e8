package vmctl

import "time"

// sendKeys notes what is struck.
func (f *fake) sendKeys(_ string, keys []uint16, hold time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if hold <= 0 {
		panic("keys are held for no time")
	}
	f.keyed = append(f.keyed, keys)
	return f.refuse["keys"]
}
