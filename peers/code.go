package peers

import (
	"crypto/rand"
	_ "embed"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"hither/fusion"
)

//go:embed words.txt
var wordText string

// words is sorted: short, plain English words without homophones.
var words = strings.Fields(wordText)

// code is what one person reads to another: a public number that finds the
// computer, and three words that are the secret (31 bits, three guesses).
type code struct {
	number string
	words  [3]string
}

func newCode() code {
	c := code{number: fmt.Sprint(1000 + random(9000))}
	for i := range c.words {
		c.words[i] = words[random(len(words))]
	}
	return c
}

func random(below int) int {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(below)))
	if err != nil {
		panic(err) // crypto/rand promises that it never fails
	}
	return int(n.Int64())
}

func (c code) String() string { return c.number + "-" + strings.Join(c.words[:], "-") }

// parseCode reads 4711-apple-river-stone in any case, with dashes or spaces. A
// word that is not in the list is refused here, before it costs a guess.
func parseCode(text string) (code, error) {
	invalid := func(hint string) error {
		return &fusion.Error{Op: "host.pair", Cause: fusion.ErrInvalid, Detail: "not a pairing code", Hint: hint}
	}
	if len(text) > 100 {
		return code{}, invalid("a code looks like 4711-apple-river-stone")
	}
	parts := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == '-' || r == ' ' || r == '\t' || r == '\n' })
	if len(parts) != 4 || !isNumber(parts[0]) {
		return code{}, invalid("a code looks like 4711-apple-river-stone")
	}
	for _, word := range parts[1:] {
		if _, known := slices.BinarySearch(words, word); !known {
			return code{}, invalid(guess(word))
		}
	}
	return code{parts[0], [3]string(parts[1:])}, nil
}

func isNumber(text string) bool {
	return len(text) == 4 && strings.Trim(text, "0123456789") == ""
}

// guess names the words that a mistyped one is one letter away from.
func guess(typed string) string {
	var near []string
	for _, word := range words {
		if oneEdit(typed, word) {
			near = append(near, word)
		}
	}
	said := fmt.Sprintf("no code has the word %.20q; ", typed)
	if len(near) == 0 || len(near) > 4 {
		return said + "read it again"
	}
	return said + "did you mean " + strings.Join(near, " or ") + "?"
}

// oneEdit says whether a becomes b by changing, adding or dropping one letter.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i < len(a) && a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}
