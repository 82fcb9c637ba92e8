package xt

import "testing"

// TestThereAndBack: no two keys have one code.
func TestThereAndBack(t *testing.T) {
	some := 0
	for key := range uint16(256) {
		code := Code(key)
		if code == 0 {
			continue
		}
		some++
		if back, ok := Evdev(code); !ok || back != key {
			t.Errorf("key %d is %#x, and that is %d, %v", key, code, back, ok)
		}
	}
	if some < 150 {
		t.Errorf("%d keys only", some)
	}
	if key, ok := Evdev(0); ok {
		t.Errorf("0 is %d", key)
	}
}
