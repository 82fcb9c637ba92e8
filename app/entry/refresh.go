package entry

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// mimeCache is what update-desktop-database writes.
const mimeCache = "mimeinfo.cache"

// refresh tells the desktop that entries came or went: by the tools for it, as
// far as they are installed, and by the time of the theme's directory.
func (m Menu) refresh(ctx context.Context) {
	m.tool(ctx, "update-desktop-database", "-q", m.applications())
	if _, err := os.Stat(m.theme()); err != nil {
		return // no picture was ever put there
	}
	now := time.Now()
	if err := os.Chtimes(m.theme(), now, now); err != nil {
		m.warn("the icon theme's time was not set", err)
	}
	if _, err := os.Stat(filepath.Join(m.theme(), "icon-theme.cache")); err == nil {
		m.tool(ctx, "gtk-update-icon-cache", "-f", "-t", "-q", m.theme())
	}
}

// tool runs one of the desktop's programs if it is there.
func (m Menu) tool(ctx context.Context, name string, args ...string) {
	path, err := exec.LookPath(name)
	if err != nil {
		return // the desktop does without it
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := exec.CommandContext(ctx, path, args...).Run(); err != nil {
		m.warn(name, err)
	}
}

func (m Menu) warn(what string, err error) {
	if m.Log != nil {
		m.Log.Warn(what, "err", err)
	}
}
