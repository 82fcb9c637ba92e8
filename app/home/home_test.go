package home

import "testing"

func TestUserDir(t *testing.T) {
	const name = "XDG_DOWNLOAD_DIR"
	for dirs, want := range map[string]string{
		"": "",
		"# XDG_DOWNLOAD_DIR=\"$HOME/no\"\nXDG_DOWNLOAD_DIR=\"$HOME/下载\"\n": "/home/me/下载",
		"XDG_DOWNLOAD_DIR=\"/data/in\"":                                    "/data/in",
		"XDG_DOWNLOAD_DIR=\"$HOME/\"":                                      "",
		"XDG_DOWNLOAD_DIR=\"relative\"":                                    "",
	} {
		if got := userDir(dirs, name, "/home/me"); got != want {
			t.Errorf("%q gave %q, want %q", dirs, got, want)
		}
	}
}
