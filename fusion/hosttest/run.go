package hosttest

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

// Options says which optional parts the tested host has. The zero value tests
// what every host has.
type Options struct {
	// VMs: Machines can create and run virtual machines, and show them.
	VMs bool
	// Apps: "self" has a catalogue, and can run App.
	Apps bool
	// App is the app to run; default: the first of the list.
	App string
	// Monitor: the screen of "self" can be opened.
	Monitor bool
	// Monitors: the desktop of "self" has several monitors.
	Monitors bool
	// Networks: Networks can make isolated networks.
	Networks bool
	// Folders: folders can be added. With an other host they are shared too.
	Folders bool
	// Agent is a machine that runs and whose guest agent answers, or "".
	Agent string
	// Patience bounds each wait for a state; default 60 s.
	Patience time.Duration
}

// Run checks fusion's promises on the host that open gives, which is opened
// once. other is a host that is paired with it, or "".
func Run(t *testing.T, options Options, open func(t *testing.T) (host fusion.Host, other fusion.HostID)) {
	t.Helper()
	if options.Patience == 0 {
		options.Patience = time.Minute
	}
	host, other := open(t)
	s := &suite{Options: options, host: host, other: other}
	t.Run("info", s.testInfo)
	t.Run("machines", s.testMachines)
	t.Run("self", s.testSelf)
	t.Run("power", s.testPower)
	t.Run("resources", s.testResources)
	t.Run("roles", s.testRoles)
	t.Run("upload", s.testUpload)
	t.Run("no hardware", s.testNoHardware)
	if s.VMs {
		t.Run("create", s.testCreate)
		t.Run("life", s.testLife)
		t.Run("snapshots", s.testSnapshots)
		t.Run("hardware", s.testHardware)
		t.Run("labels", s.testLabels)
		t.Run("save", s.testSave)
		t.Run("images", s.testImages)
		t.Run("seed", s.testSeed)
		t.Run("clones", s.testClones)
		t.Run("templates", s.testTemplates)
		t.Run("export and import", s.testExport)
		t.Run("backups", s.testBackups)
		t.Run("console", s.testConsole)
		t.Run("serial", s.testSerial)
		t.Run("machine watch", s.testMachineWatch)
		t.Run("machine watch race", s.testMachineWatchRace)
		t.Run("host watch", s.testHostWatch)
	}
	t.Run("shell", s.testShell)
	t.Run("guests", s.testGuests)
	t.Run("networks", s.testNetworks)
	t.Run("tunnels", s.testTunnels)
	t.Run("private network", s.testMesh)
	t.Run("storage", s.testStorage)
	t.Run("devices", s.testDevices)
	t.Run("network boot", s.testNetBoot)
	if s.VMs {
		t.Run("forwards", s.testForwards)
		t.Run("volumes", s.testVolumes)
	}
	if s.Networks {
		t.Run("make networks", s.testMakeNetworks)
	}
	t.Run("screens", s.testScreens)
	if s.Monitors {
		t.Run("monitors", s.testMonitors)
	}
	if s.Apps {
		t.Run("apps", s.testApps)
		t.Run("handover", s.testHandover)
	}
	if s.Folders {
		t.Run("folders", s.testFolders)
	}
	t.Run("catalogue", s.testCatalogue)
	t.Run("migrate", s.testMigrate)
	t.Run("jobs", s.testJobs)
	t.Run("meters", s.testMeters)
	t.Run("ready", s.testReady)
	t.Run("ended context", s.testEnded)
	t.Run("many callers", s.testMany)
}

// suite is one host under test.
type suite struct {
	Options
	host  fusion.Host
	other fusion.HostID
}

// ctx ends with the test, or when patience does.
func (s *suite) ctx(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), s.Patience)
	t.Cleanup(cancel)
	return ctx
}

// fresh gives a name that nothing else has.
func fresh(kind string) string { return "t-" + kind + "-" + strings.ToLower(rand.Text()[:8]) }

// badNames are refused wherever something is named.
var badNames = []string{"", "../x", "a/b", "<xml>", "-x", ".x", "a b", "ä", "x\n", strings.Repeat("x", 65)}

// refused checks that err has one of the causes, and a hint for a person.
func refused(t *testing.T, what string, err error, causes ...error) {
	t.Helper()
	for _, cause := range causes {
		if errors.Is(err, cause) {
			if fusion.Hint(err) == "" {
				t.Errorf("%s: %v has no hint", what, err)
			}
			return
		}
	}
	t.Errorf("%s: got %v, want %v", what, err, causes)
}

// must ends the test on an error.
func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// eventually asks until the answer is yes or patience ends.
func (s *suite) eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(s.Patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come within %s", what, s.Patience)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
