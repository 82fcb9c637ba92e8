//go:build !linux

package kvm

import (
	"context"
	"runtime"
)

func Try(context.Context) (answer Answer, final bool) {
	return Answer{Reason: "KVM is Linux's, this is " + runtime.GOOS}, true
}

func probeSum() uint32 { return 0 }
