package audit

import (
	"context"
	"fmt"
	"path/filepath"

	"hither/fusion"
)

// Verdict is what is found when the whole log is read.
type Verdict struct {
	Records int
	From    From // the first record that is left
	Last    From
	// Hash is that of the last record. Whoever notes it elsewhere can see later whether
	// the log was written anew.
	Hash string
	// Bad is the first record that does not fit, "" when all do: FILE line N, record SEQ: why.
	Bad string
}

// Verify reads all files and checks the chain from the first to the last record.
func (l *Log) Verify(ctx context.Context) (Verdict, error) {
	var v Verdict
	var before scanned
	for i, s := range l.files() {
		if err := ctx.Err(); err != nil {
			return v, err
		}
		found, err := scan(s.path, func(r Record) error {
			if v.Records++; v.Records == 1 {
				v.From = From{r.Seq, r.Time}
			}
			v.Last = From{r.Seq, r.Time}
			return nil
		})
		if err != nil {
			return v, &fusion.Error{Op: "audit.verify", Path: s.path, Cause: err}
		}
		if i > 0 && found.bad != 1 && (found.head.Prev != before.hash || found.head.First != before.last.Seq+1) {
			found.bad, found.badSeq, found.why = 1, found.head.First, "the file does not go on where the one before it ends"
		}
		if found.bad > 0 && v.Bad == "" {
			v.Bad = fmt.Sprintf("%s line %d, record %d: %s", filepath.Base(s.path), found.bad, found.badSeq, found.why)
		}
		before = found
	}
	v.Hash = before.hash.String()
	return v, nil
}
