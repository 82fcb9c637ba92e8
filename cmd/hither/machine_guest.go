package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func machineGuest(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "guest MACHINE", Short: "Show what the system in a virtual machine says of itself", Args: exactly("MACHINE"),
		Long: "Show what the QEMU guest agent in a machine says of its system: addresses, file systems.",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			info, err := host.Guests().Info(cmd.Context(), address.Machine)
			if err != nil {
				return err
			}
			return g.show(cmd, info, func(w io.Writer) error { return printGuest(w, info) })
		},
	}
}

func printGuest(w io.Writer, info fusion.GuestInfo) error {
	pairs := []string{"hostname", info.Hostname, "os", info.OS, "kernel", info.Kernel, "agent", info.Agent}
	for _, i := range info.Interfaces {
		pairs = append(pairs, printable(i.Name), strings.Join(append(append([]string{}, i.Addresses...), i.MAC), " "))
	}
	for _, f := range info.FileSystems {
		size := f.Type
		if f.TotalBytes > 0 {
			size = fmt.Sprintf("%s of %s used, %s", bytesText(f.UsedBytes), bytesText(f.TotalBytes), f.Type)
		}
		pairs = append(pairs, printable(f.MountPoint), size)
	}
	return fields(w, pairs...)
}

// programExit is the exit code of a program that was run somewhere else; this
// command ends with it too, and says nothing more.
type programExit int

func (e programExit) Error() string { return fmt.Sprintf("it ended with %d", int(e)) }

func machineExec(g *globals) *cobra.Command {
	var command fusion.GuestCommand
	var stdin bool
	cmd := &cobra.Command{
		Use: "exec MACHINE -- PROGRAM [ARG…]", Short: "Run a program in a virtual machine, through its guest agent", Args: atLeast("MACHINE", "PROGRAM"),
		Long: "Run a program in a virtual machine, through the QEMU guest agent in it, as its administrator.\n" +
			"No shell looks at the arguments. This command ends with the program's exit code. Of each\n" +
			"of its outputs the first MiB is given.\n\n" +
			"Flags of this command stand before the PROGRAM; what follows it is the program's, also\n" +
			"what looks like a flag.",
		Example: "  hither machine exec nas/web --timeout 5s -- uname -a",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if command.Argv, err = upToProgram(cmd, args[1:]); err != nil {
				return err
			}
			if help, err := cmd.Flags().GetBool("help"); help && err == nil {
				return cmd.Help()
			}
			if err := atLeast("PROGRAM")(cmd, command.Argv); err != nil {
				return err
			}
			if stdin {
				text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), fusion.MaxGuestInput+1))
				if err != nil {
					return err
				}
				command.Stdin = text
			}
			if err := command.Check(); err != nil {
				return usage(err)
			}
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			result, err := host.Guests().Exec(cmd.Context(), address.Machine, command)
			if err != nil {
				return err
			}
			return g.showResult(cmd, result)
		},
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().DurationVar(&command.Timeout, "timeout", time.Minute, "kill it after this `TIME`")
	cmd.Flags().BoolVarP(&stdin, "stdin", "i", false, "give it what comes on standard input, at most 64 KiB")
	return cmd
}

// upToProgram reads the flags that stand between MACHINE, at which cobra stopped, and the program,
// and gives the program's own arguments: a "--" before them is nobody's.
func upToProgram(cmd *cobra.Command, args []string) ([]string, error) {
	if err := cmd.Flags().Parse(args); err != nil {
		return nil, flagError(cmd, err)
	}
	return cmd.Flags().Args(), nil
}

func (g *globals) showResult(cmd *cobra.Command, r fusion.GuestResult) error {
	// Text is easier to use than the base64 of bytes.
	shown := struct {
		ExitCode  int    `json:"exitCode"`
		Stdout    string `json:"stdout"`
		Stderr    string `json:"stderr"`
		Truncated bool   `json:"truncated"`
	}{r.ExitCode, string(r.Stdout), string(r.Stderr), r.Truncated}
	err := g.show(cmd, shown, func(w io.Writer) error {
		if _, err := w.Write(r.Stdout); err != nil {
			return err
		}
		if _, err := cmd.ErrOrStderr().Write(r.Stderr); err != nil || !r.Truncated {
			return err
		}
		_, err := fmt.Fprintln(cmd.ErrOrStderr(), "note: it printed more than 1 MiB; the rest is left out")
		return err
	})
	if err == nil && r.ExitCode != 0 {
		err = programExit(r.ExitCode)
	}
	return err
}

func machineRead(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "read MACHINE PATH", Short: "Print a file of a virtual machine's system", Args: exactly("MACHINE", "PATH"),
		Long: "Print a file of a virtual machine's system, through its guest agent:\n\n  hither machine read web /etc/hosts > hosts",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return host.Guests().ReadFile(cmd.Context(), address.Machine, args[1], cmd.OutOrStdout())
		},
	}
}

func machineWrite(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "write MACHINE PATH", Short: "Write standard input into a file of a virtual machine's system", Args: exactly("MACHINE", "PATH"),
		Long: "Write standard input into a file of a virtual machine's system, through its guest agent. What\n" +
			"was in the file is replaced:\n\n  hither machine write web /etc/motd < motd",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return host.Guests().WriteFile(cmd.Context(), address.Machine, args[1], cmd.InOrStdin())
		},
	}
}
