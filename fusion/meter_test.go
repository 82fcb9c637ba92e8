package fusion

import (
	"errors"
	"testing"
	"time"
)

func TestMeterStep(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		span   time.Duration
		points int
		want   time.Duration
	}{
		{5 * time.Minute, 300, time.Second}, {5*time.Minute + 1, 300, 2 * time.Second}, {time.Second, 1000, time.Second},
		{24 * time.Hour, 1000, 87 * time.Second}, {time.Hour, 1, time.Hour}, {24 * time.Hour, 288, 5 * time.Minute},
	} {
		got, err := MeterStep(at, at.Add(tc.span), tc.points)
		if err != nil || got != tc.want {
			t.Errorf("%s in %d: %s, %v, want %s", tc.span, tc.points, got, err, tc.want)
		}
		// However the span lies to the steps, there are not more points than asked for.
		first, last := at.Unix()/int64(got.Seconds()), (at.Add(tc.span).Unix()-1)/int64(got.Seconds())
		if n := last - first + 1; n > int64(tc.points)+1 {
			t.Errorf("%s in %d gives %d", tc.span, tc.points, n)
		}
	}
	for _, bad := range []struct {
		from, to time.Time
		points   int
	}{{at, at, 10}, {at, at.Add(-1), 10}, {at, at.Add(26 * time.Hour), 10}, {at, at.Add(1), 0}, {at, at.Add(1), 1001}, {time.Time{}, at, 10},
		{time.Unix(0, 0), time.Unix(1, 0), 10}} {
		if _, err := MeterStep(bad.from, bad.to, bad.points); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
