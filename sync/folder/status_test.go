package folder

import (
	"errors"
	"strings"
	"testing"

	"github.com/syncthing/syncthing/lib/db"
	"github.com/syncthing/syncthing/lib/model"

	"hither/fusion"
)

func TestJudge(t *testing.T) {
	quiet := progress{state: stateIdle, scanned: true}
	needy := quiet
	needy.need = db.Counts{Files: 3, Bytes: 10}
	linked := hostView{name: "nas", online: true, linked: true}
	for name, test := range map[string]struct {
		p     progress
		hosts []hostView
		state string
		note  string // a part of it
	}{
		"alone":               {quiet, nil, stateIdle, ""},
		"in step":             {quiet, []hostView{linked}, stateIdle, ""},
		"first scan":          {progress{state: stateIdle}, nil, stateScanning, ""},
		"scanning":            {progress{state: stateScanning, scanned: true}, nil, stateScanning, ""},
		"fetching":            {progress{state: stateSyncing, scanned: true}, []hostView{linked}, stateSyncing, ""},
		"about to fetch":      {needy, []hostView{linked}, stateSyncing, ""},
		"list not whole":      {quiet, []hostView{{name: "nas", online: true, linked: true, unknown: true}}, stateSyncing, ""},
		"not linked yet":      {quiet, []hostView{{name: "nas", online: true, unknown: true}}, stateSyncing, ""},
		"never met":           {quiet, []hostView{{name: "nas", unknown: true}}, stateWaiting, "nas is away"},
		"away, all here":      {quiet, []hostView{{name: "nas"}}, stateIdle, "nas is away"},
		"away, not all here":  {needy, []hostView{{name: "nas"}}, stateWaiting, "nas is away"},
		"other behind":        {quiet, []hostView{{name: "nas", online: true, linked: true, behind: 4}}, stateIdle, "nas still lacks 4 items"},
		"offer waits":         {quiet, []hostView{{name: "nas", offered: true}}, stateWaiting, "gets it when it is back"},
		"offer refused":       {quiet, []hostView{{name: "nas", offered: true, online: true, refusal: &fusion.Error{Detail: "no", Hint: "do"}}}, stateWaiting, "nas did not take it: no (do)"},
		"grant taken":         {quiet, []hostView{{name: "nas", denied: true}}, stateWaiting, "files"},
		"other closed":        {quiet, []hostView{{name: "nas", online: true, closed: true, unknown: true}}, stateWaiting, "nas no longer takes files from here"},
		"path gone":           {progress{err: errors.New("folder path missing")}, nil, stateError, "gone"},
		"marker gone":         {progress{err: errors.New("folder marker missing (…)")}, nil, stateError, "emptied"},
		"one file not to be":  {progress{state: stateIdle, scanned: true, failed: []model.FileError{{Path: "a", Err: "no space left on device"}}}, []hostView{linked}, stateError, "disk is full"},
		"one in step, 1 away": {quiet, []hostView{linked, {name: "pc"}}, stateIdle, "pc is away"},
	} {
		t.Run(name, func(t *testing.T) {
			state, note := judge(test.p, test.hosts, "/p")
			if state != test.state || !strings.Contains(note, test.note) || test.note == "" && note != "" {
				t.Errorf("got %s %q, want %s %q", state, note, test.state, test.note)
			}
		})
	}
}
