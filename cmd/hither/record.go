package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
	"hither/mirror/record"
)

func recordCommand(g *globals) *cobra.Command {
	var length time.Duration
	var mute bool
	cmd := &cobra.Command{
		Use: "record MACHINE FILE.webm", Short: "Record a machine's screen, or one of its apps, into a file", Args: exactly("MACHINE", "FILE.webm"),
		Long: "Record a machine's screen into a new WebM file, without a window, until Ctrl+C, the end of\n" +
			"the screen, or the time that --for gives. HOST/MACHINE/INSTANCE records the display of an\n" +
			"app that runs, HOST/self/MONITOR one of several monitors. A picture is written for each\n" +
			"change, and the file plays at every moment, even if the computer goes down. What its programs\n" +
			"play is in the file, if it has sound. The pointer is not in it. What a screen shows in another\n" +
			"size than at first is scaled into that size.\n\n" +
			"To record what you see and hear in a window: hither view --record FILE.webm, or Ctrl+Alt+R there.",
		Example: "  hither record nas/win11 install.webm --for 10m",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := g.address(cmd.Context(), args[0], partAddress)
			if err != nil {
				return err
			}
			if length < 0 {
				return usageHint("record: --for is negative", "a time is 90s, 10m or 1h30m")
			}
			if err := record.Ready(args[1]); err != nil {
				return err
			}
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			v := &viewer{c: c, address: address}
			if err := v.find(cmd.Context()); err != nil {
				return err
			}
			kept, err := v.keep(cmd.Context(), args[1], length, !mute)
			if v.launched {
				err = errors.Join(err, v.endApp(cmd.Context()))
			}
			if kept.Pictures == 0 {
				return err
			}
			return errors.Join(g.show(cmd, recordedOf(kept), func(w io.Writer) error { return sayRecorded(w, kept) }), err)
		},
	}
	cmd.Flags().DurationVar(&length, "for", 0, "end after a `TIME`, such as 90s or 10m")
	cmd.Flags().BoolVar(&mute, "mute", false, "leave the sound out")
	return cmd
}

// keep records the screen.
func (v *viewer) keep(ctx context.Context, path string, length time.Duration, sound bool) (record.Summary, error) {
	pipe, err := v.host().Screens().Open(ctx, v.screen.Name, fusion.ViewOptions{ViewOnly: true})
	if err != nil {
		return record.Summary{}, err
	}
	kept, err := record.Screen(ctx, pipe, path, length, sound)
	if errors.Is(err, context.Canceled) {
		err = nil // Ctrl+C
	}
	if kept.Pictures == 0 && err == nil {
		err = &fusion.Error{Op: "record", Path: path, Cause: fusion.ErrInvalid, Detail: "no picture came, so there is no file"}
	}
	return kept, err
}

// recorded is a recording as --json says it.
type recorded struct {
	File     string  `json:"file"`
	Seconds  float64 `json:"seconds"`
	Bytes    int64   `json:"bytes"`
	Pictures int     `json:"pictures"`
	Width    int     `json:"width"`
	Height   int     `json:"height"`
	Sound    bool    `json:"sound"`
}

func recordedOf(s record.Summary) recorded {
	return recorded{s.File, s.Length.Seconds(), s.Bytes, s.Pictures, s.Width, s.Height, s.Sound}
}

func sayRecorded(w io.Writer, s record.Summary) error {
	sound := ""
	if s.Sound {
		sound = " with sound"
	}
	_, err := fmt.Fprintf(w, "%s: %v, %d pictures of %d×%d%s, %s\n", printable(s.File), s.Length.Round(time.Second/10), s.Pictures,
		s.Width, s.Height, sound, bytesText(s.Bytes))
	return err
}

// recordingName is where a recording that begins with a key goes: among the
// person's videos.
func recordingName(address fusion.Address, now time.Time) (string, error) {
	dir, err := videos()
	if err != nil {
		return "", err
	}
	name := address.Machine
	if address.App != "" {
		name = address.App
	}
	return filepath.Join(dir, "hither-"+name+"-"+now.Format("2006-01-02-150405")+".webm"), nil
}

// videos gives the directory for films as the desktop has it (XDG user
// directories), or the home directory.
func videos() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if config, err := os.UserConfigDir(); err == nil {
		text, _ := os.ReadFile(filepath.Join(config, "user-dirs.dirs")) // there may be none
		if dir := videosIn(string(text), home); dir != "" && isDir(dir) {
			return dir, nil
		}
	}
	if dir := filepath.Join(home, "Videos"); isDir(dir) {
		return dir, nil
	}
	return home, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// videosIn reads the directory out of user-dirs.dirs, whose lines are those of a
// shell: XDG_VIDEOS_DIR="$HOME/Videos".
func videosIn(text, home string) string {
	for line := range strings.Lines(text) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "XDG_VIDEOS_DIR=")
		if !ok {
			continue
		}
		value = strings.Trim(value, `"`)
		if rest, ok := strings.CutPrefix(value, "$HOME/"); ok {
			return filepath.Join(home, rest)
		}
		if filepath.IsAbs(value) {
			return value
		}
	}
	return ""
}
