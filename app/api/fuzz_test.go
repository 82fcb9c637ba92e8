package api

import (
	"net/url"
	"testing"
)

// FuzzQuery reads what addresses of the API say beside their path.
func FuzzQuery(f *testing.F) {
	f.Add("host=nas&machine=vm&columns=80&rows=24&term=xterm", "bytes=100-")
	f.Add("name=vm&memory=1&cpus=99999999999999999999&raw=true", "bytes=-5")
	f.Add("columns=-9223372036854775808&memory=-1", "bytes=9223372036854775808-")
	f.Fuzz(func(t *testing.T, query, ranged string) {
		if from, err := rangeFrom(ranged); err == nil && from < 0 {
			t.Errorf("%q: from %d", ranged, from)
		}
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		terminalQuery(q)
		if spec, err := importSpec(q); err == nil && (spec.MemoryBytes < 0 || spec.CPUs < 0) {
			t.Errorf("%q: %+v", query, spec)
		}
	})
}
