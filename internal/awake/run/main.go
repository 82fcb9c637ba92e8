// Command run runs a command while it keeps the processors awake, and ends as
// that did: "go run ./internal/awake/run go test ./...".
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"hither/internal/awake"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		var ended *exec.ExitError
		if errors.As(err, &ended) && ended.ExitCode() > 0 {
			os.Exit(ended.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "awake:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("which command? run COMMAND [ARGUMENT...]")
	}
	stop, err := awake.Keep()
	if err != nil {
		return err
	}
	defer stop()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
