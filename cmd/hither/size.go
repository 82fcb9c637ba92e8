package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"hither/fusion"
)

// size is a number of bytes as a flag: "512MiB", "1.5GiB", "20G", "1073741824".
type size int64

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return bytesText(int64(*s))
}

func (s *size) Type() string { return "SIZE" }

func (s *size) Set(text string) error {
	n, err := parseSize(text)
	if err == nil && n == 0 { // which would be taken for a flag that was not given
		err = &fusion.Error{Op: "size", Path: printable(text), Cause: fusion.ErrInvalid, Hint: "leave the flag out for the default"}
	}
	*s = size(n)
	return err
}

// sizeUnits are binary whichever way they are written: in a machine's memory
// and disk nobody means powers of ten.
const sizeUnits = "KMGTP"

// parseSize reads a size, or returns an error with cause fusion.ErrInvalid.
func parseSize(text string) (int64, error) {
	number := strings.TrimRightFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	scale, ok := unitScale(strings.TrimSpace(text[len(number):]))
	value, err := strconv.ParseFloat(number, 64)
	plain := strings.Trim(number, "0123456789.") == ""
	if err != nil || !ok || !plain || value*scale >= math.MaxInt64 {
		return 0, &fusion.Error{Op: "size", Path: printable(text), Cause: fusion.ErrInvalid,
			Hint: "a size is a number and a unit, such as 512MiB or 20GiB"}
	}
	return int64(value * scale), nil
}

func unitScale(unit string) (float64, bool) {
	unit = strings.ToUpper(unit)
	if unit == "" || unit == "B" {
		return 1, true
	}
	power := strings.IndexByte(sizeUnits, unit[0])
	rest := unit[1:]
	if power < 0 || rest != "" && rest != "B" && rest != "IB" {
		return 0, false
	}
	return math.Pow(1024, float64(power+1)), true
}

// bytesText gives bytes in IEC units with one decimal.
func bytesText(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, power := float64(n)/1024, 0
	for value >= 1023.95 && power < len(sizeUnits)-1 {
		value /= 1024
		power++
	}
	return fmt.Sprintf("%.1f %ciB", value, sizeUnits[power])
}
