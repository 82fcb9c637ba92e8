package guest

import "testing"

// FuzzAnswer: a guest may answer anything.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"return": {"exited": true, "exitcode": 0, "out-data": "YQ=="}}`))
	f.Add([]byte(`{"return": null}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var e execution
		if err := parseAnswer(text, &e); err == nil && len(e.Out) > len(text) {
			t.Errorf("%d bytes out of %d", len(e.Out), len(text))
		}
	})
}
