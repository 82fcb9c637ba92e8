package main

import (
	"strconv"
	"strings"
	"time"

	"hither/fusion"
)

const untilWord = ",until="

// untilTime turns what a person says of a grant's end into the time: CAP,until=8h counts
// from now, until=2026-12-04 is the end of that day here, and RFC 3339 stays.
func untilTime(word string, now time.Time) (string, error) {
	head, until, found := strings.Cut(word, untilWord)
	if !found {
		return word, nil
	}
	end, ok := endOf(until, now)
	if !ok {
		return "", usage(&fusion.Error{Op: "host grant", Path: word, Cause: fusion.ErrInvalid,
			Hint: "a grant ends after a time, as in until=8h or until=3d, with a day, as in until=2026-12-04, or as in until=2026-12-04T18:00:00+01:00"})
	}
	return head + untilWord + end.Format(time.RFC3339), nil
}

// maxDays bounds a number of days; the calendar takes care of the rest.
const maxDays = 36500

func endOf(text string, now time.Time) (time.Time, bool) {
	if days, found := strings.CutSuffix(text, "d"); found {
		n, err := strconv.Atoi(days)
		return now.AddDate(0, 0, n), err == nil && n > 0 && n <= maxDays
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), d > 0
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, now.Location()); err == nil {
		return day.AddDate(0, 0, 1), true
	}
	end, err := time.Parse(time.RFC3339, text)
	return end, err == nil
}
