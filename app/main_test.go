package app

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// No test finds the login manager of the computer that it runs on.
	if err := os.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreCurrent(), // what the linked libraries start before main
		// One set per process, started by Syncthing with the first folder and
		// never ended; see sync/folder.
		goleak.IgnoreAnyFunction("github.com/syncthing/notify.(*inotify).loop"),
		goleak.IgnoreAnyFunction("github.com/syncthing/notify.(*inotify).send"),
		goleak.IgnoreAnyFunction("github.com/syncthing/syncthing/lib/fs.(*caseFilesystemRegistry).cleaner"),
		// They wait to tell a service that is gone when a folder was just
		// starting as its engine was stopped.
		goleak.IgnoreAnyFunction("github.com/thejerf/suture/v4.(*Supervisor).removeService.func1.1"),
		goleak.IgnoreAnyFunction("github.com/syncthing/syncthing/lib/watchaggregator.(*aggregator).mainLoop"),
		// Ends by itself within half a minute after its database was closed.
		goleak.IgnoreAnyFunction("github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain"),
	)
}
