// Command hither is the command line and, as `hither up`, the node. Every other
// command is a client: it asks the node of this home over its unix socket, and
// starts one detached where that makes sense. `hither view` is the one that
// opens a window; nothing here links a desktop toolkit, so it runs on a bare
// server.
//
// It trusts the node that owns the home's socket. Text that came from other
// computers is printed without its control characters.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"hither/app"
	"hither/fusion"
	"hither/internal/largepage"
	_ "hither/internal/loadlibvirt" // only a node needs it
	_ "hither/internal/slack"       // a node, and a view, work a little very often
)

func main() {
	largepage.Heap()
	os.Exit(execute(os.Args[1:]))
}

// execute runs one command line and gives its exit code.
func execute(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := rootCommand()
	root.SetArgs(args)
	err := fileError(root.ExecuteContext(fusion.WithTrace(ctx, fusion.NewTrace())))
	if err != nil {
		printError(root.ErrOrStderr(), err)
	}
	return exitCode(err)
}

func rootCommand() *cobra.Command {
	flags := &globals{}
	root := &cobra.Command{
		Use:           "hither",
		Short:         "Your computers, and the machines on them, as one",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       app.Version,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVar(&flags.home, "home", "", "keep everything of the node under `DIR` (default $HITHER_HOME, else XDG directories)")
	root.PersistentFlags().BoolVar(&flags.json, "json", false, "print JSON")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		upCommand(flags),
		statusCommand(flags), doctorCommand(flags), downCommand(flags), webCommand(flags),
		pairCommand(flags), hostCommand(flags), machineCommand(flags),
		screenCommand(flags), viewCommand(flags), recordCommand(flags), appCommand(flags), folderCommand(flags),
		imageCommand(flags), jobCommand(flags), networkCommand(flags), storageCommand(flags), netbootCommand(flags),
		auditCommand(flags),
		tunnelCommand(flags), proxyCommand(flags), publishCommand(flags), netCommand(flags),
		manCommand(root),
	)
	return root
}

// group makes a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: noCommand}
	cmd.AddCommand(commands...)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return usageHint(command(cmd)+"a command is missing", "see: "+cmd.CommandPath()+" --help")
	}
	return cmd
}
