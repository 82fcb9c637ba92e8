package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"hither/app/home"
)

func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"hither": main})
}

// leakless runs the tests and then looks for goroutines that they left.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	linked := goleak.IgnoreCurrent() // what the node's libraries start by being linked
	code := l.m.Run()
	if code == 0 {
		if err := goleak.Find(linked); err != nil {
			println(err.Error())
			return 1
		}
	}
	return code
}

// TestScripts runs the command against a node that answers from memory. A
// script whose name begins with "alone" has no node.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exitcode": exitcode},
		Setup: func(env *testscript.Env) error {
			dir := filepath.Join(env.WorkDir, "home")
			env.Setenv("HITHER_HOME", dir)
			env.Setenv("HOME", env.WorkDir)
			h, err := shortHome(env, dir)
			if err != nil || strings.HasPrefix(filepath.Base(env.WorkDir), "script-alone") {
				return err
			}
			end, err := serve(newFake(h))
			if err == nil {
				env.Defer(end)
			}
			return err
		},
	})
}

// exitcode N PROGRAM ARG… runs a program that must end with N.
func exitcode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode N program [args...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// shortHome chooses a run directory whose sockets have short paths.
func shortHome(env *testscript.Env, dir string) (home.Home, error) {
	run, err := os.MkdirTemp("/tmp", "hcli")
	if err != nil {
		return home.Home{}, err
	}
	env.Defer(func() { _ = os.RemoveAll(run) }) // a temporary directory
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return home.Home{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "run"), []byte(filepath.Join(run, "r")+"\n"), 0o600); err != nil {
		return home.Home{}, err
	}
	return home.Find(dir)
}

// serve answers the API on the home's socket until end is called.
func serve(node *fake) (end func(), err error) {
	lock, err := node.home.Lock()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", node.home.Socket())
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	server := &http.Server{Handler: node.handler()}
	done := make(chan struct{})
	var ending sync.WaitGroup
	// New calls are refused and the running one is answered. The node itself
	// takes a while longer to end.
	node.stop = sync.OnceFunc(func() {
		_ = listener.Close()
		ending.Go(func() {
			<-time.After(300 * time.Millisecond)
			_ = os.WriteFile(node.home.Sub("ended"), nil, 0o600) // the script misses it
			_ = lock.Close()
		})
	})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends by Close
	}()
	return func() {
		_ = server.Close() // its listener may be closed already
		<-done
		node.stop()
		ending.Wait()
	}, nil
}
