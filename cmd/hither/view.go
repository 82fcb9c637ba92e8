package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
	"hither/mirror/record"
	"hither/mirror/surface"
)

func viewCommand(g *globals) *cobra.Command {
	var options fusion.ViewOptions
	var file string
	var sound soundOptions
	var keys keyboardFlag
	cmd := &cobra.Command{
		Use: "view MACHINE", Short: "Open a machine's screen, or one of its apps, in a window", Args: exactly("MACHINE"),
		Long: "Open a machine's screen in a window. HOST/MACHINE/APP launches the app, and\n" +
			"HOST/MACHINE/INSTANCE takes up an app that runs already; each of its windows is then a\n" +
			"window here. HOST/self/MONITOR shows one of several monitors; `hither screen ls HOST/self`\n" +
			"names them. All but the first begin without sound, as it is the same for all.\n\n" + viewKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := g.address(cmd.Context(), args[0], partAddress)
			if err != nil {
				return err
			}
			if file != "" {
				if err := record.Ready(file); err != nil {
					return err
				}
			}
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			v := &viewer{c: c, address: address, options: options, record: file, sound: sound, keys: keys, pasted: g.pasted(),
				out: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			if err := v.find(cmd.Context()); err != nil {
				return err
			}
			return v.show(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&file, "record", "", "record the window into a new `FILE` (WebM); of an app, its first window")
	cmd.Flags().BoolVar(&options.ViewOnly, "view-only", false, "send no keys and no mouse")
	cmd.Flags().BoolVar(&sound.mute, "mute", false, "begin without sound")
	cmd.Flags().BoolVar(&sound.microphone, "microphone", false, "let the machine's programs hear this computer's microphone")
	keys.add(cmd)
	return cmd
}

// viewKeys is the help on the keys that a window keeps for itself.
const viewKeys = "Keys in a window:\n" +
	"  Ctrl+Alt+Enter  full screen, or back; a machine's screen also gets the keyboard\n" +
	"  Ctrl+Alt+G      take the keyboard, so that Alt+Tab goes there, or give it back\n" +
	"  Ctrl+Alt+I      show latency, frame rate, bytes, codec and path, or hide them\n" +
	"  Ctrl+Alt+R      record the window into a file among your videos, or end that\n" +
	"  Ctrl+Alt+M      mute the sound, or hear it again\n" +
	"  Ctrl+Alt+C      cancel files that are on their way\n\n" +
	"Text, pictures and files that are copied on one side are pasted on the other while a window\n" +
	"has the focus. Files that are dropped onto a window go to the Downloads of its computer."

// soundOptions says what is heard, and by whom.
type soundOptions struct {
	mute, microphone bool
}

// viewer shows one screen in a window of this program.
type viewer struct {
	c        *client.Client
	address  fusion.Address
	options  fusion.ViewOptions
	sound    soundOptions
	stderr   io.Writer // what the view does without is said there
	keys     keyboardFlag
	pasted   string // where files of the host go that are pasted here
	screen   fusion.Screen
	launched bool // the app is ours to end

	record string    // the FILE to record into, "" for none
	out    io.Writer // says what was recorded
	failed error     // why a recording ended before the window; read after Run
}

func (v *viewer) host() fusion.Host { return v.c.Host(v.address.Host) }

// find sets screen: the machine's own, one monitor of it, a running app's, or a
// launched one's.
func (v *viewer) find(ctx context.Context) error {
	if v.address.App == "" {
		v.screen = fusion.Screen{Name: v.address.Machine, Machine: v.address.Machine}
		return nil
	}
	list, err := v.host().Screens().List(ctx, v.address.Machine)
	if err != nil {
		return err
	}
	name := v.address.Machine + "/" + v.address.App
	at := slices.IndexFunc(list, func(s fusion.Screen) bool { return s.Name == name })
	if at < 0 {
		return v.launch(ctx, nil)
	}
	v.screen, v.sound.mute = list[at], v.sound.mute || !sounds(list, at)
	return nil
}

// sounds says whether a screen's view begins with sound. That of a desktop is
// the same for all its monitors, so that windows of several shall not all play
// it: the first one does.
func sounds(list []fusion.Screen, at int) bool {
	monitor := func(s fusion.Screen) bool { return s.Kind == fusion.ScreenMonitor && s.Name != s.Machine }
	return !monitor(list[at]) || !slices.ContainsFunc(list[:at], monitor)
}

// launch starts the app and sets screen to what shows it.
func (v *viewer) launch(ctx context.Context, files []string) error {
	screen, err := v.host().Apps().Run(ctx, v.address.Machine, v.address.App, files)
	if err != nil {
		return err
	}
	v.screen, v.launched = screen, true
	return nil
}

// show opens the window and returns when it is closed or the source ended. An
// app that this command launched does not outlive it.
func (v *viewer) show(ctx context.Context) error {
	err := v.window(ctx)
	if err == nil || !v.launched {
		return err
	}
	return errors.Join(err, v.endApp(ctx))
}

// endApp ends what launch started, also when ctx has ended.
func (v *viewer) endApp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if end := v.host().Apps().End(ctx, v.screen.Name); end != nil && !errors.Is(end, fusion.ErrNotFound) {
		return end
	}
	return nil
}

// endTimeout is more than the grace that Apps.End gives.
const endTimeout = 15 * time.Second

func (v *viewer) window(ctx context.Context) error {
	asking := sync.OnceValues(func() (fusion.HostInfo, error) { return v.host().Info(ctx) })
	go asking() // while the screen is opened
	identity := v.identity(ctx)
	host, name := v.host(), v.screen.Name // where it is now; open's own
	options := v.options
	options.Windows = v.screen.Kind == fusion.ScreenApp && surface.AppWindows // an older host shows its display as one picture
	open := func(ctx context.Context) (fusion.Pipe, error) {
		pipe, err := host.Screens().Open(ctx, name, options)
		if errors.Is(err, fusion.ErrNotFound) {
			if m, moved := v.follow(ctx, identity()); moved {
				host, name = v.c.Host(m.Host), m.Name
				return host.Screens().Open(ctx, name, options)
			}
		}
		return pipe, err
	}
	pipe, err := open(ctx)
	if err != nil {
		return err
	}
	info, err := asking()
	if err != nil {
		return errors.Join(err, pipe.Close())
	}
	err = surface.Run(ctx, pipe, surface.Config{
		Title:   cmp.Or(v.screen.Title, v.address.Machine),
		Host:    info.Name,
		AppID:   windowClass(info.ID, v.screen),
		Color:   hostColor(info.Color),
		Letters: v.keys == textKeys,
		Path:    (&hostPath{host: v.host()}).String,
		Record:  v.recording(),
		Pasted:  v.pasted,
		Reopen:  open,

		Mute: v.sound.mute, Microphone: v.sound.microphone, Without: func(err error) { printError(v.stderr, err) },
	})
	return errors.Join(err, v.failed)
}

// recording says where recordings of the window go.
func (v *viewer) recording() surface.Recording {
	return surface.Recording{
		File: v.record,
		Next: func() (string, error) { return recordingName(v.address, time.Now()) },
		Ended: func(s record.Summary, err error) {
			if err != nil {
				v.failed = cmp.Or(v.failed, err)
			} else if v.out != nil && s.Pictures > 0 {
				_ = sayRecorded(v.out, s) // nobody may be reading
			}
		},
	}
}
