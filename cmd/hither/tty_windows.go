package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// rawTerminal lets every key through as it is, as control sequences
// (https://learn.microsoft.com/windows/console/setconsolemode).
func rawTerminal(f *os.File) (restore func(), err error) {
	in, out := windows.Handle(f.Fd()), windows.Handle(os.Stdout.Fd())
	var before, shown uint32
	if err := windows.GetConsoleMode(in, &before); err != nil {
		return nil, err
	}
	raw := before&^(windows.ENABLE_ECHO_INPUT|windows.ENABLE_PROCESSED_INPUT|windows.ENABLE_LINE_INPUT) | windows.ENABLE_VIRTUAL_TERMINAL_INPUT
	if err := windows.SetConsoleMode(in, raw); err != nil {
		return nil, err
	}
	if windows.GetConsoleMode(out, &shown) == nil {
		_ = windows.SetConsoleMode(out, shown|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) // an old console shows the sequences
	}
	return func() {
		_ = windows.SetConsoleMode(in, before)
		if shown != 0 {
			_ = windows.SetConsoleMode(out, shown)
		}
	}, nil
}

// terminalSize gives the columns and rows, 0 when they are unknown.
func terminalSize(*os.File) (columns, rows int) {
	var info windows.ConsoleScreenBufferInfo
	if windows.GetConsoleScreenBufferInfo(windows.Handle(os.Stdout.Fd()), &info) != nil {
		return 0, 0
	}
	return int(info.Window.Right-info.Window.Left) + 1, int(info.Window.Bottom-info.Window.Top) + 1
}

// onResize does nothing: Windows sends no signal.
func onResize(*os.File, func(columns, rows int)) (stop func()) { return func() {} }
