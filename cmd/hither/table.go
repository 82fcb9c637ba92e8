package main

import (
	"io"
	"os"
	"strings"
	"unicode"
)

// table is rows of text for a person; the first row is the header.
type table struct{ rows [][]string }

func newTable(header ...string) *table { return &table{rows: [][]string{header}} }

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// write aligns the columns; on a terminal the header is dim and words that
// tell a state have its colour.
func (t *table) write(w io.Writer) error {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	paint := colors(w)
	var b strings.Builder
	for n, row := range t.rows {
		var text strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-width(cell)+2)
			if i == len(row)-1 {
				pad = ""
			}
			text.WriteString(paint(n == 0, cell) + pad)
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fields writes one thing as aligned lines of name and value; empty values
// are left out.
func fields(w io.Writer, pairs ...string) error {
	widest := 0
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			widest = max(widest, width(pairs[i]))
		}
	}
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			b.WriteString(pairs[i] + strings.Repeat(" ", widest-width(pairs[i])+2) + printable(pairs[i+1]) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// stateColors are ANSI colours of words that tell a state.
var stateColors = map[string]string{
	"running": "32", "online": "32", "ok": "32", "idle": "32",
	"starting": "33", "stopping": "33", "paused": "33", "syncing": "33", "scanning": "33", "waiting": "33", "warn": "33",
	"failed": "31", "error": "31", "bad": "31",
	"off": "2", "saved": "2", "template": "2", "offline": "2", "asleep": "2", "switched off": "2", "restarting": "33",
}

// colors gives how to paint a cell, which is not at all off a terminal.
func colors(w io.Writer) func(header bool, cell string) string {
	if !terminal(w) || os.Getenv("NO_COLOR") != "" {
		return func(_ bool, cell string) string { return cell }
	}
	return func(header bool, cell string) string {
		code := stateColors[cell]
		if header {
			code = "2"
		}
		if code == "" {
			return cell
		}
		return "\x1b[" + code + "m" + cell + "\x1b[0m"
	}
}

// printable drops what could steer a terminal: names and messages come from
// other computers.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}

// width counts the columns of text on a terminal.
func width(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana),
			r >= 0x3000 && r <= 0x303f, r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
			n += 2
		default:
			n++
		}
	}
	return n
}
