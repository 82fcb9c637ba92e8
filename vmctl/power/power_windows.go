package power

import "hither/fusion"

// System gives how this system is switched: by shutdown.exe
// (https://learn.microsoft.com/windows-server/administration/windows-commands/shutdown)
// and SetSuspendState
// (https://learn.microsoft.com/windows/win32/api/powrprof/nf-powrprof-setsuspendstate),
// which hibernates where hibernation is on. Untested on a real Windows.
func System() Switch {
	return programs{
		fusion.Sleep:  {"rundll32.exe", "powrprof.dll,SetSuspendState", "0,1,0"},
		fusion.Reboot: {"shutdown.exe", "/r", "/t", "0"},
		fusion.Stop:   {"shutdown.exe", "/s", "/t", "0"},
	}
}
