package client

import "syscall"

// detachedProcess is DETACHED_PROCESS of the Windows process creation flags.
const detachedProcess = 0x8

func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP | detachedProcess}
}
