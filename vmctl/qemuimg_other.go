//go:build !linux

package vmctl

import "os/exec"

func runBound(cmd *exec.Cmd, _ int64) error { return cmd.Run() }

func tooLarge(error) bool { return false }
