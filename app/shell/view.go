package shell

import (
	"os/exec"
	"strings"
	"time"

	"hither/app/client"
	"hither/fusion"
)

// viewGrace is how long OpenWindow waits for a reason why there is no window.
const viewGrace = 2 * time.Second

// OpenWindow opens the screen of HOST/MACHINE, or an app as HOST/MACHINE/APP,
// in a window of its own, which stays when this one is closed. An error that
// comes after some seconds is shown in a dialog.
func (b *Bridge) OpenWindow(address string) error {
	ctx := b.trace()
	if _, err := fusion.ParseAddress(address); err != nil {
		return err
	}
	cmd, err := client.Command(b.home, "view", "--", address)
	if err != nil {
		return err
	}
	said := &firstBytes{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- viewError(cmd, said) }() // ends with the window, or with this program
	select {
	case err := <-ended:
		return err
	case <-time.After(viewGrace):
	}
	go func() { // as above
		if err := <-ended; err != nil && ctx.Err() == nil {
			b.desk.Complain(errorText(err))
		}
	}()
	return nil
}

// viewError waits for hither view and gives back what it printed.
func viewError(cmd *exec.Cmd, said *firstBytes) error {
	err := cmd.Wait()
	if err == nil {
		return nil
	}
	text, hint, _ := strings.Cut(strings.TrimSpace(string(said.text)), "\nhint: ")
	text = strings.TrimPrefix(text, "hither: ")
	if text == "" {
		text = err.Error()
	}
	return &fusion.Error{Detail: text, Hint: hint}
}

// firstBytes keeps the first 4 KiB that are written to it.
type firstBytes struct{ text []byte }

func (f *firstBytes) Write(p []byte) (int, error) {
	f.text = append(f.text, p[:min(len(p), 4<<10-len(f.text))]...)
	return len(p), nil
}
