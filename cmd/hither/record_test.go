package main

import "testing"

func TestVideosIn(t *testing.T) {
	for text, want := range map[string]string{
		"": "",
		"# a comment\nXDG_DESKTOP_DIR=\"$HOME/Desktop\"\nXDG_VIDEOS_DIR=\"$HOME/My Films\"\n": "/home/me/My Films",
		"XDG_VIDEOS_DIR=\"/films\"":   "/films",
		"XDG_VIDEOS_DIR=\"films\"":    "",
		"  XDG_VIDEOS_DIR=\"$HOME/\"": "/home/me",
	} {
		if got := videosIn(text, "/home/me"); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}
